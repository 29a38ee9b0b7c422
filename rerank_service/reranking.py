"""Reranking, whatever the dialect: query and documents in, a score for each document out.

Documents whose vectors are kept or came along are not encoded again. One call scores one request's
candidates; nothing is shared with the candidates of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rerank_service.encoding import Encoding, Keep, Need, Side
from rerank_service.errors import (
    DeadlinePassed,
    EncodingFailed,
    Invalid,
    Overloaded,
    Stopping,
    TooLarge,
)
from rerank_service.maxsim import maxsim
from rerank_service.metrics import Metrics
from rerank_service.records import TokenVectors
from rerank_service.settings import Settings
from rerank_service.store import KeptVectors
from rerank_service.tracing import Tracing

Status = Literal["ok", "partial", "fallback"]
ScoreType = Literal["maxsim_mean", "maxsim_sum", "position"]

_DECIMALS = 6
_LISTED = 10  # positions in a message


@dataclass(frozen=True, kw_only=True)
class RerankJob:
    """What is asked, in no dialect's words."""

    query: str
    documents: Sequence[str]
    vectors: Sequence[TokenVectors | None] = ()
    """Of each document, where the request brings them; () brings none."""
    tokens_per_document: int
    raw_scores: bool = False
    """Sums of cosines over the query's tokens in place of their mean."""
    truncate: bool = True
    """Whether a document may be read in part; otherwise one that is longer is an error."""
    pass_through: bool = False
    """Whether to answer with the order that the documents came in where scoring fails."""
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Reranked:
    """``scores`` are in the order of the documents, and for people and engines to compare."""

    scores: list[float]
    status: Status = "ok"
    reason: str | None = None
    score_type: ScoreType = "maxsim_mean"
    notes: Sequence[str] = ()
    tokens: int = 0
    """Tokens that were encoded for this request."""
    cached: int = 0
    """Documents whose vectors were kept."""
    truncated: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    def order(self) -> list[int]:
        """Positions of the documents, best first; among equals, as they came."""
        return sorted(range(len(self.scores)), key=lambda n: -self.scores[n])


class Reranker:
    def __init__(
        self,
        encoding: Encoding,
        kept: KeptVectors,
        settings: Settings,
        metrics: Metrics,
        tracing: Tracing,
    ) -> None:
        self._encoding = encoding
        self._kept = kept
        self._settings = settings
        self._metrics = metrics
        self._tracing = tracing

    async def rerank(self, job: RerankJob, *, deadline: float) -> Reranked:
        """A score for every document.

        Raises Invalid, and unless ``job.pass_through`` also TooLarge, Overloaded, DeadlinePassed,
        EncodingFailed and Stopping.
        """
        try:
            return await self._rerank(job, deadline)
        except (DeadlinePassed, EncodingFailed, Overloaded, Stopping, TooLarge) as error:
            if not job.pass_through:
                raise
            self._metrics.fallbacks.labels(type(error).__name__).inc()
            return _passed_through(job, str(error))

    async def _rerank(self, job: RerankJob, deadline: float) -> Reranked:
        tasks = (
            asyncio.create_task(self._query(job.query, deadline)),
            asyncio.create_task(self._documents(job, deadline)),
        )
        try:
            query, found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # when one fails, the other is not wanted any more
                task.cancel()
            # An error keeps this frame, the frame its task, the task the error, and they what was
            # encoded, until the garbage collector runs, which does not know how much that is.
            del task, tasks
        with self._metrics.stage("score"), self._tracing.span("score") as about:
            about |= {"documents": len(job.documents), "cached": found.cached}
            _check(job, found)
            sums = np.full(len(found.vectors), -len(query.vectors), np.float32)
            good = found.good()
            sums[list(good)] = await self._maxsim(query, list(good.values()), deadline)
            return _answer(job, query, found, sums)

    async def _maxsim(
        self, query: TokenVectors, documents: Sequence[TokenVectors], deadline: float
    ) -> NDArray[np.float32]:
        """The score of each document, in as many threads as there are."""
        words = query.vectors.astype(np.float32)
        every = self._encoding.threads
        parts = [[each.vectors for each in documents[first::every]] for first in range(every)]
        found = await asyncio.gather(
            *(self._encoding.beside(partial(maxsim, words, part), deadline) for part in parts)
        )
        sums = np.empty(len(documents), np.float32)
        for first, scores in enumerate(found):
            sums[first::every] = scores
        return sums

    async def _query(self, text: str, deadline: float) -> TokenVectors:
        (query,) = await self._encode([text], "query", self._settings.query_tokens, deadline)
        if isinstance(query, EncodingFailed):
            raise EncodingFailed("the model failed on the query: change it, or report its words")
        return query

    async def _documents(self, job: RerankJob, deadline: float) -> _Found:
        """Vectors that came along, then those that are kept, then those encoded now."""
        limit = job.tokens_per_document
        carried = job.vectors or [None] * len(job.documents)
        without = [text for text, each in zip(job.documents, carried, strict=True) if each is None]
        texts = list(dict.fromkeys(without))
        found = await self._encoding.beside(lambda: self._kept.find(texts, tokens=limit), deadline)
        kept = {text: each for text, each in zip(texts, found, strict=True) if each is not None}
        missing = [text for text in texts if text not in kept]
        encoded = await self._encode(missing, "document", limit, deadline, self._kept.keep)
        known = kept | dict(zip(missing, encoded, strict=True))
        cached = sum(text in kept for text in without)
        self._count(request=len(carried) - len(without), kept=cached, encoded=len(without) - cached)
        vectors = [
            known[text] if each is None else each.first(limit)
            for text, each in zip(job.documents, carried, strict=True)
        ]
        return _Found(vectors, cached)

    async def _encode(
        self,
        texts: Sequence[str],
        side: Side,
        limit: int,
        deadline: float,
        keep: Keep = lambda _: None,
    ) -> list[TokenVectors | EncodingFailed]:
        if not texts:
            return []
        encoded = await self._encoding.encode(
            texts, side=side, need=Need(vector_tokens=limit), deadline=deadline, keep=keep
        )
        return [text if isinstance(text, EncodingFailed) else text.vectors for text in encoded]

    def _count(self, **documents: int) -> None:
        for source, count in documents.items():
            self._metrics.vectors.labels(source).inc(count)


class _Found(NamedTuple):
    """The vectors of each document, or why there are none."""

    vectors: list[TokenVectors | EncodingFailed]
    cached: int

    def good(self) -> dict[int, TokenVectors]:
        """By position, without those that the model failed on."""
        return {n: v for n, v in enumerate(self.vectors) if isinstance(v, TokenVectors)}


def _check(job: RerankJob, found: _Found) -> None:
    """Raises EncodingFailed and Invalid where there is nothing to score, or not as asked."""
    good = found.good()
    if found.vectors and not good:
        raise EncodingFailed("the model failed on every document: report what they have in common")
    truncated = _truncated(good)
    if truncated and not job.truncate:
        raise Invalid(
            f"documents at {_listed(truncated)} have more than {job.tokens_per_document} tokens "
            "and truncate is false: shorten them, or raise max_tokens_per_doc"
        )


def _answer(
    job: RerankJob, query: TokenVectors, found: _Found, sums: NDArray[np.float32]
) -> Reranked:
    good = found.good()
    failed = [n for n in range(len(found.vectors)) if n not in good]
    words = len(query.vectors)
    scores = sums if job.raw_scores else sums / np.float32(max(words, 1))
    return Reranked(
        scores=[_shown(score) for score in scores.tolist()],
        status="partial" if failed else "ok",
        reason=f"the model failed on documents at {_listed(failed)}" if failed else None,
        score_type="maxsim_sum" if job.raw_scores else "maxsim_mean",
        notes=_notes(job, query),
        tokens=words + sum(len(each.vectors) for each in good.values()),
        cached=found.cached,
        truncated=_truncated(good),
        empty=[n for n, each in good.items() if not len(each.vectors)],
        failed=failed,
    )


def _truncated(documents: Mapping[int, TokenVectors]) -> list[int]:
    return [n for n, each in documents.items() if not each.whole]


def _notes(job: RerankJob, query: TokenVectors) -> list[str]:
    notes = list(job.notes)
    if not query.whole:
        notes.append(f"only the first {len(query.vectors)} tokens of the query were read")
    elif not len(query.vectors):
        notes.append("the query has no words, so every document scores 0")
    return notes


def _passed_through(job: RerankJob, reason: str) -> Reranked:
    """Scores that fall from 1 with the position: whoever sorts by them keeps the order."""
    count = len(job.documents)
    return Reranked(
        scores=[_shown((count - n) / count) for n in range(count)],
        status="fallback",
        reason=reason,
        score_type="position",
        notes=job.notes,
    )


def _shown(score: float) -> float:
    """At most 18 characters, with a decimal point: OpenSearch casts others to no number it takes
    (json-smart reads longer ones as BigDecimal and those without a point as Integer).
    """
    rounded = round(score, _DECIMALS) + 0.0  # no -0.0
    return rounded if abs(rounded) >= 1e-4 else round(rounded, 4) + 0.0  # nor 5e-05


def _listed(positions: Sequence[int]) -> str:
    shown = ", ".join(map(str, positions[:_LISTED]))
    return f"{shown} and {len(positions) - _LISTED} more" if len(positions) > _LISTED else shown
