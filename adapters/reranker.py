"""What this package needs of a reranker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Reranking(Protocol):
    @property
    def scores(self) -> Sequence[float]:
        """One for each document, in order; higher is better."""

    @property
    def reason(self) -> str | None:
        """Why some documents have no score of their own; None where all have."""


class Reranker(Protocol):
    """`rerank_service.client.Client` and `rerank_service.local.LocalReranker` are two, without
    knowing of this."""

    def rerank(self, query: str, documents: Sequence[str]) -> Reranking:
        """Raises OSError where it cannot be reached, is late, or refuses."""
