"""Everything this package raises on purpose.

LatentTermsError
├── ModelFolderError    a model folder is missing, damaged, or of another format
└── SpellingError       a string is not a spelling of latent terms (also a ValueError)

A text that is not a ``str`` is a ``TypeError``: a mistake of the caller, not of the data.
"""

from __future__ import annotations


class LatentTermsError(Exception):
    """Root of the errors of ``latent_terms``; the message says what to do."""


class ModelFolderError(LatentTermsError):
    """A model cannot be found, or its folder is damaged or of another format."""


class SpellingError(LatentTermsError, ValueError):
    """A string is not a spelling of latent terms."""
