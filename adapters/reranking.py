"""The best hits of a first stage in the order of a reranker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .document_text import document_text
from .errors import QueryRejected
from .request import MAX_WINDOW, SearchRequest
from .reranker import Reranker
from .types import SearchResult

DEFAULT_RERANK = 100


@dataclass(frozen=True)
class Page:
    """Which hits the caller wants, and how many of the first ones are reranked before."""

    rerank: int
    size: int
    offset: int

    @property
    def reranks(self) -> bool:
        return self.size > 0 and self.offset < self.rerank

    def first_stage(self, request: SearchRequest) -> SearchRequest:
        """The request for all the hits that it takes."""
        if not self.reranks:
            return request
        return replace(request, size=max(self.rerank, self.size + self.offset), offset=0)

    def cut(self, result: SearchResult) -> SearchResult:
        """The wanted hits of what the first stage found."""
        if not self.reranks:
            return result
        return replace(result, hits=result.hits[self.offset : self.offset + self.size])


def candidates(
    rerank: int | None, reranker: Reranker | None, body: Mapping[str, Any] | None
) -> int:
    """How many hits to rerank: `rerank`, else all that is usual. Raises QueryRejected."""
    if rerank is None:
        rerank = DEFAULT_RERANK if reranker else 0
    if not isinstance(rerank, int) or isinstance(rerank, bool) or not 0 <= rerank <= MAX_WINDOW:
        raise QueryRejected(f"rerank {rerank!r} is not a whole number from 0 to {MAX_WINDOW}")
    if rerank and reranker is None:
        raise QueryRejected(f"rerank {rerank} needs a reranker: give one to Search")
    if rerank and (found := [key for key in ("sort", "_source") if key in (body or {})]):
        raise QueryRejected(
            f"body has {' and '.join(found)}: reranking orders hits itself, and reads all their "
            "text. Leave it out, or search with rerank=0"
        )
    return rerank


def reranked(
    reranker: Reranker, text: str, result: SearchResult, *, fields: Iterable[str], count: int
) -> SearchResult:
    """The first `count` hits by the reranker's scores, the others below, as they were.

    Where the reranker raises OSError, the result as it was, and why.
    """
    best, rest = result.hits[:count], result.hits[count:]
    if not best:
        return result
    names = tuple(fields)
    try:
        done = reranker.rerank(text, [document_text(names, hit.source).text for hit in best])
    except OSError as exc:
        return because(result, f"not reranked: {exc}")
    scored = [
        replace(hit, rerank_score=score) for hit, score in zip(best, done.scores, strict=True)
    ]
    order = sorted(range(len(scored)), key=lambda n: -done.scores[n])  # equals: as they came
    hits = (*(scored[n] for n in order), *rest)
    result = replace(
        result,
        hits=tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)),
        reranked=True,
    )
    return because(result, f"reranked in part: {done.reason}") if done.reason else result


def because(result: SearchResult, reason: str) -> SearchResult:
    return replace(result, reason="; ".join(filter(None, (result.reason, reason))))
