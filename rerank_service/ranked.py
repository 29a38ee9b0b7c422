"""What a reranker gives to a program, in process or over HTTP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reranking:
    """``scores`` are of all documents, in the order they came in; higher is better."""

    scores: tuple[float, ...]
    reason: str | None = None
    """Why some documents have no score of their own; theirs is the lowest."""
    notes: tuple[str, ...] = ()
    """What of the request was not used, or not read to its end."""
    cached: int = 0
    """Documents that did not have to be encoded."""
