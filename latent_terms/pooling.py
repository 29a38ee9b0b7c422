"""From codes of tokens to frequencies of latents.

The weight of a latent in a text is w = sqrt(sum of its values over the tokens of the text)
(Clavie et al. 2026, arXiv 2605.29384, section 3); its frequency is round(w x scale), and a
frequency of 0 is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latent_terms.sae import SparseCodes
from latent_terms.terms import LatentTerms


class Sums(NamedTuple):
    """Summed values of the active latents of a window or a text, latents ascending."""

    latents: NDArray[np.int64]  # (m,)
    values: NDArray[np.float64]  # (m,), above 0


def sums_by_window(
    codes: SparseCodes, owners: NDArray[np.int64], n_windows: int, n_latents: int
) -> list[Sums]:
    """Sum the codes of each window; ``owners`` (n,) says which window a token is of."""
    active = codes.values > 0
    keys = (owners[:, None] * n_latents + codes.indices)[active]
    unique, places = np.unique(keys, return_inverse=True)
    values = np.bincount(places, weights=codes.values[active], minlength=len(unique))
    cuts = np.searchsorted(unique, np.arange(1, n_windows) * n_latents)
    return [
        Sums(keys % n_latents, sums)
        for keys, sums in zip(np.split(unique, cuts), np.split(values, cuts), strict=True)
    ]


def total(parts: Sequence[Sums]) -> Sums:
    """Add up the windows of one text, in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Sums(np.zeros(0, np.int64), np.zeros(0, np.float64))
    latents, places = np.unique(np.concatenate([p.latents for p in parts]), return_inverse=True)
    weights = np.concatenate([p.values for p in parts])
    return Sums(latents, np.bincount(places, weights=weights, minlength=len(latents)))


def document_terms(sums: Sums, scale: float, limit: int) -> LatentTerms:
    """Terms by descending weight, at most ``limit`` of them (0: all)."""
    weights = np.sqrt(sums.values)
    order = _heaviest(weights, limit)
    return _terms(sums.latents[order], weights[order] * scale)


def query_terms(
    sums: Sums, scale: float, limit: int, idf: NDArray[np.float64]
) -> LatentTerms:
    """As ``document_terms``, but by descending weight x idf, and never without a term.

    ``idf`` is (n_latents,). Where every frequency rounds to 0, the heaviest latent counts once.
    """
    weights = np.sqrt(sums.values)
    heaviest = _heaviest(weights, limit)
    order = heaviest[np.argsort(-weights[heaviest] * idf[sums.latents[heaviest]], kind="stable")]
    terms = _terms(sums.latents[order], weights[order] * scale)
    if terms or not len(weights):
        return terms
    return LatentTerms.from_latents([int(sums.latents[heaviest[0]])], [1])


def _heaviest(weights: NDArray[np.float64], limit: int) -> NDArray[np.int64]:
    order = np.argsort(-weights, kind="stable")
    return order[:limit] if limit else order


def _terms(latents: NDArray[np.int64], scaled: NDArray[np.float64]) -> LatentTerms:
    frequencies = np.floor(scaled + 0.5).astype(np.int64)
    kept = frequencies > 0
    return LatentTerms.from_latents(latents[kept].tolist(), frequencies[kept].tolist())
