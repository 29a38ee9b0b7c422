"""From codes of tokens to frequencies of latents.

The weight of a latent in a text is w = sqrt(sum of its values over the tokens of the text)
(Clavie et al. 2026, arXiv 2605.29384, section 3); its frequency is round(w x scale), and a
frequency of 0 is dropped.

The different terms of a text grow more slowly than its length (Heaps' law), and so does the limit
on them: it is given for ``LIMIT_TOKENS`` tokens and goes with the square root of their number. A
long document keeps more terms than a short one, and loses only what is weakest in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latent_terms.sae import SparseCodes
from latent_terms.terms import LatentTerms

LIMIT_TOKENS = 256  # length of a document that may have exactly the limit of terms


class Sums(NamedTuple):
    """Summed values of the active latents of a window or a text, latents ascending."""

    latents: NDArray[np.int64]  # (m,)
    values: NDArray[np.float64]  # (m,), above 0
    tokens: int  # of the window or text


def sums_by_window(codes: SparseCodes, rows: NDArray[np.int64], n_windows: int) -> list[Sums]:
    """Sum the codes of each window; ``rows`` (n,), ascending, is the window of each token."""
    active = codes.values > 0
    # One sort for the whole batch: window in the high bits, latent in the low ones.
    keys = ((rows[:, None] << 32) + codes.indices)[active]
    unique, values = _summed(keys, codes.values[active])
    cuts = np.searchsorted(unique, np.arange(1, n_windows) << 32)
    latents = unique & 0xFFFFFFFF
    tokens = np.bincount(rows, minlength=n_windows).tolist()
    parts = zip(np.split(latents, cuts), np.split(values, cuts), tokens, strict=True)
    return [Sums(*part) for part in parts]


def total(parts: Sequence[Sums]) -> Sums:
    """Add up the windows of one text, in order."""
    if len(parts) == 1:
        return parts[0]
    latents = np.concatenate([np.zeros(0, np.int64), *(part.latents for part in parts)])
    values = np.concatenate([np.zeros(0), *(part.values for part in parts)])
    return Sums(*_summed(latents, values), sum(part.tokens for part in parts))


def pooled_vectors(
    states: NDArray[np.float32], attention_mask: NDArray[np.int64], pooling: str
) -> NDArray[np.float32]:
    """Vectors (B, dimensions) of length 1: the mean state of unmasked tokens, or the first's.

    The mean takes in special tokens and prefix, as sentence-transformers does.
    """
    if pooling == "cls":
        vectors = states[:, 0]
    else:
        mask = attention_mask[:, None].astype(np.float32)
        vectors = (mask @ states)[:, 0] / mask.sum(2)
    return unit_rows(vectors)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (n, dimensions) scaled to length 1; rows of zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = np.divide(vectors, np.maximum(norms, 1e-12))
    return unit


def document_terms(sums: Sums, scale: float, limit: int) -> LatentTerms:
    """Terms by descending weight, at most ``limit`` of them in 256 tokens (0: all)."""
    weights = np.sqrt(sums.values)
    order = _heaviest(weights, math.ceil(limit * math.sqrt(sums.tokens / LIMIT_TOKENS)))
    return _terms(sums.latents[order], weights[order] * scale)


def query_terms(sums: Sums, scale: float, limit: int, idf: NDArray[np.float64]) -> LatentTerms:
    """At most ``limit`` terms (0: all) by descending weight x idf, and never without a term.

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


def _summed(
    keys: NDArray[np.int64], values: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Distinct keys ascending, and the sum of the values of each, added in order."""
    unique, places = np.unique(keys, return_inverse=True)
    sums = np.bincount(places, weights=values, minlength=len(unique))
    return unique, sums.astype(np.float64)  # bincount of nothing is of integers
