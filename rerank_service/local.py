"""Reranking in process: the scores of the service, without the service."""

from __future__ import annotations

from collections.abc import Sequence

from latent_terms import TermEncoder
from rerank_service.maxsim import maxsim
from rerank_service.ranked import Reranking


class LocalReranker:
    """MaxSim over a loaded model. Nothing is kept: each call encodes its documents.

    >>> from latent_terms.testing import hash_encoder
    >>> reranking = LocalReranker(hash_encoder()).rerank("wing lift", ["a cat", "lift of a wing"])
    >>> [round(score, 2) for score in reranking.scores]
    [0.03, 1.0]
    """

    def __init__(self, encoder: TermEncoder, *, tokens_per_document: int = 512) -> None:
        self._encoder = encoder
        self._tokens = tokens_per_document

    def rerank(self, query: str, documents: Sequence[str]) -> Reranking:
        """The mean over the query's tokens of the best cosine with a token of the document."""
        words = self._encoder.query_token_vectors(query)
        vectors = [each[: self._tokens] for each in self._encoder.token_vectors(documents)]
        means = maxsim(words, vectors) / max(len(words), 1)
        return Reranking(scores=tuple(means.tolist()))
