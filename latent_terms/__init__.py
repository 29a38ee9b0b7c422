"""Latent terms: text in, sparse terms out that any BM25 engine can index.

``load`` gives a ``TermEncoder``, which turns texts into ``LatentTerms``.
"""

from __future__ import annotations

from latent_terms.encoder import TermEncoder
from latent_terms.errors import LatentTermsError, ModelFolderError, SpellingError
from latent_terms.explain import SharedTerm, explain
from latent_terms.loading import load
from latent_terms.terms import LatentTerms

__version__ = "0.1.0"

__all__ = [
    "LatentTerms",
    "LatentTermsError",
    "ModelFolderError",
    "SharedTerm",
    "SpellingError",
    "TermEncoder",
    "__version__",
    "explain",
    "load",
]
