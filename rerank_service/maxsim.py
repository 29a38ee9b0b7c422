"""MaxSim: how well the tokens of a document cover the tokens of a query. numpy and nothing else.

The score is the sum over the query's tokens of the best dot product with any token of the document
(Khattab and Zaharia 2020, ColBERT). For vectors of length 1 it lies between -q and q, where q is
the number of the query's tokens.

A document without tokens scores -q, the lowest score there is; a query without tokens gives 0.0 to
every document.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
DocumentVectors = NDArray[np.float32] | NDArray[np.float16]


def maxsim(query: Vectors, documents: Sequence[DocumentVectors]) -> NDArray[np.float32]:
    """Scores (n,) of documents (tokens, dimensions), for a query (q, dimensions).

    Documents may be in half precision; products and sums are made in float32.
    Each document is scored by itself, so its score does not depend on its neighbours, to the bit.
    ValueError where the dimensions differ.

    >>> query = np.eye(2, 3, dtype=np.float32)
    >>> maxsim(query, [query[:1], query, query[:0]]).tolist()
    [1.0, 2.0, -2.0]
    """
    scores = np.full(len(documents), -len(query), np.float32)
    for n, document in enumerate(documents):
        if document.shape[1:] != query.shape[1:]:
            raise ValueError(
                f"document {n} has shape {document.shape} and the query {query.shape}: "
                "their dimensions must be equal"
            )
        if len(document):
            scores[n] = (query @ document.astype(np.float32).T).max(1).sum(dtype=np.float32)
    return scores


def maxsim_padded(
    query: Vectors, documents: Vectors, mask: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """As ``maxsim``, for documents (n, tokens, dimensions) padded to one length.

    ``mask`` (n, tokens) is true where a token is one.
    """
    similarities = query @ documents.transpose(0, 2, 1)  # (n, q, tokens)
    # Padding is -inf, not 0: it must not win over a token that is unlike the query.
    masked = np.where(mask[:, None, :], similarities, -np.inf)
    best = masked.max(2, initial=-np.inf)  # (n, q)
    best[~mask.any(1)] = -1
    scores: NDArray[np.float32] = best.sum(1, dtype=np.float32)
    return scores
