"""Exact nearest neighbours by cosine, streaming: the dense run that latent terms compete with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

_CHUNK = 4096  # document vectors multiplied at a time


def nearest(
    queries: NDArray[np.float32],
    ids: Sequence[str],
    vectors: Iterable[NDArray[np.float32]],
    *,
    depth: int,
) -> list[list[str]]:
    """For each query the ids of the `depth` documents with the greatest inner product, best first.

    Args:
        queries: (n_queries, dimensions), of length 1 each if the product is to be the cosine.
        ids: document ids, in the order of `vectors`.
        vectors: one (dimensions,) vector a document; consumed in chunks, never held whole.
    """
    best = np.empty((len(queries), 0), dtype=np.float32)
    positions = np.empty((len(queries), 0), dtype=np.int64)
    stream, start = iter(vectors), 0
    while chunk := list(islice(stream, _CHUNK)):
        scores = np.concatenate([best, queries @ np.stack(chunk).T], axis=1)
        found = np.arange(start, start + len(chunk), dtype=np.int64)
        where = np.concatenate([positions, np.tile(found, (len(queries), 1))], axis=1)
        # Stable: of equal scores the document that came first stays first.
        order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
        best = np.take_along_axis(scores, order, axis=1)
        positions = np.take_along_axis(where, order, axis=1)
        start += len(chunk)
    return [[ids[position] for position in row] for row in positions.tolist()]
