"""What is known about each latent: how common it is, what it stands for, what kind it is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latent_terms.errors import ModelFolderError

Family = Literal["lexical", "narrow", "broad", "dead"]


@dataclass(frozen=True)
class Latent:
    """One latent on the training text."""

    df: int
    """How many passages it is active in."""
    label: tuple[str, ...]
    """Its strongest words, strongest first."""
    family: Family
    """One surface form, one concept, a topic, or never active."""


class Vocabulary(Sequence[Latent]):
    """The latents of a model by number."""

    def __init__(self, latents: Iterable[Latent], *, documents: int) -> None:
        self._latents = tuple(latents)
        self.documents = documents
        df = np.array([latent.df for latent in self._latents], np.float64)
        # Robertson and Sparck Jones as Lucene writes it, never negative.
        self.idf: NDArray[np.float64] = np.log1p((documents - df + 0.5) / (df + 0.5))

    def __len__(self) -> int:
        return len(self._latents)

    def __getitem__(self, latent: int) -> Latent:  # type: ignore[override]
        return self._latents[latent]
