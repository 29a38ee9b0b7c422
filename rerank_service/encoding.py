"""Texts through the micro-batcher: cut into windows, encoded beside those of other requests.

What a text gets is, to the bit, what ``TermEncoder`` gives it alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import Literal, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from latent_terms import LatentTerms, TermEncoder
from latent_terms.cores import usable_cores
from latent_terms.pooling import Sums
from latent_terms.reading import TextReader
from latent_terms.windows import TokenIds
from rerank_service.batching import Batcher
from rerank_service.errors import DeadlinePassed, EncodingFailed, TooLarge
from rerank_service.metrics import Metrics
from rerank_service.records import TokenVectors
from rerank_service.settings import Settings
from rerank_service.tracing import Tracing
from rerank_service.urgency import Work

_LOG = logging.getLogger(__name__)

Side = Literal["document", "query"]
Answer = TypeVar("Answer")
Keep = Callable[[Mapping[str, TokenVectors]], None]

_CHARACTERS_PER_TOKEN = 4  # of English: for a guess before tokens are counted


class Need(NamedTuple):
    """What is wanted of a text."""

    terms: bool = False
    vector_tokens: int = 0
    """Vectors of the first so many tokens."""
    pooled: bool = False


class Bucket(NamedTuple):
    """Windows of one batch are of one side and padded length, and need the same."""

    side: Side
    length: int
    terms: bool
    vectors: bool
    pooled: bool


class Part(NamedTuple):
    """What one window gave."""

    sums: Sums | None
    halves: NDArray[np.float16] | None  # (tokens, dimensions)
    pooled: NDArray[np.float32] | None  # (dimensions,)


class EncodedText(NamedTuple):
    """What was needed of a text; the rest is empty."""

    tokens: int
    terms: LatentTerms
    vectors: TokenVectors
    pooled: NDArray[np.float32]  # (dimensions,)


class _Cut(NamedTuple):
    windows: list[Work[TokenIds]]
    tokens: int
    whole: bool  # whether every window has vectors


class Encoding:
    """The model, its threads and its queue."""

    def __init__(
        self, encoder: TermEncoder, settings: Settings, metrics: Metrics, tracing: Tracing
    ) -> None:
        self.threads = slots = settings.threads or usable_cores()
        self.encoder = encoder
        self._dimensions = encoder.manifest.backbone.dimensions
        self._settings = settings
        self._metrics = metrics
        self._tracing = tracing
        self._readers: dict[Side, TextReader] = {
            "document": encoder.documents,
            "query": encoder.queries,
        }
        self._model_pool = ThreadPoolExecutor(slots, "model")
        self._side_pool = ThreadPoolExecutor(slots, "beside")
        self.batcher: Batcher[TokenIds, Part] = Batcher(
            self._run,
            self._model_pool,
            slots=slots,
            area=settings.batch_tokens,
            queue_tokens=settings.queue_tokens,
            report=metrics.batch,
        )

    async def encode(
        self,
        texts: Sequence[str],
        *,
        side: Side,
        need: Need,
        deadline: float,
        keep: Keep = lambda _: None,
    ) -> list[EncodedText | EncodingFailed]:
        """What is needed of each text, in order; EncodingFailed where the model failed on it.

        ``keep`` gets the vectors of every text that was encoded, also where the time was over or
        the client gone before all were: who asks again need not wait for them.
        Raises TooLarge, Overloaded, DeadlinePassed, Stopping.
        """
        guess = sum(_guess(text, need) for text in texts)
        self._check_size(guess)
        with (
            self.batcher.ticket(guess, deadline=deadline) as ticket,
            self._tracing.span("encode") as about,
        ):
            about |= {"side": side, "texts": len(texts)}
            with self._metrics.stage("cut"):
                cuts = await self.beside(lambda: self._cut(texts, side, need), deadline)
            windows = [window for cut in cuts for window in cut.windows]
            about["tokens"] = sum(window.tokens for window in windows)
            ticket.resize(sum(window.tokens for window in windows))
            results: list[Part | Exception | None] = []
            try:
                await ticket.run(windows, results)
            finally:
                parts = _by_text(cuts, results)
                vectors = [self._vectors(*each, need) for each in zip(cuts, parts, strict=True)]
                keep({t: v for t, v in zip(texts, vectors, strict=True) if v is not None})
        self._metrics.texts.labels(side).inc(len(texts))
        return [self._join(*each, side=side) for each in zip(cuts, parts, vectors, strict=True)]

    async def beside(self, work: Callable[[], Answer], deadline: float) -> Answer:
        """Run short work in a thread, outside the queue. Raises DeadlinePassed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline - time.monotonic()):
                return await asyncio.get_running_loop().run_in_executor(self._side_pool, work)
        raise DeadlinePassed(
            "the time of the request was over before its texts were read: allow more with "
            "timeout_ms, or send fewer"
        )

    def warm_up(self) -> None:
        """The first runs of a session are slow; they are over when this returns."""
        for reader in self._readers.values():
            for words in (1, 100):
                window = reader.first_window("warm " * words)
                reader.read([window], terms=True, vectors=True, pooled=True)

    def close(self) -> None:
        self.batcher.close()
        self._model_pool.shutdown(wait=True, cancel_futures=True)
        self._side_pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, bucket: Hashable, windows: list[TokenIds]) -> list[Part]:
        side, length, terms, vectors, pooled = cast(Bucket, bucket)
        reader = self._readers[side]
        readings = reader.read(windows, terms=terms, vectors=vectors, pooled=pooled)
        content = sum(map(len, windows))
        self._metrics.tokens.labels("content").inc(content)
        self._metrics.tokens.labels("padding").inc(length * len(windows) - content)
        return [
            Part(sums, None if states is None else states.astype(np.float16), vector)
            for sums, states, vector in readings
        ]

    def _cut(self, texts: Sequence[str], side: Side, need: Need) -> list[_Cut]:
        cuts: list[_Cut] = []
        total = 0
        for text in texts:
            cuts.append(cut := _cut(text, self._readers[side], side, need))
            total += sum(window.tokens for window in cut.windows)
            self._check_size(total)
        return cuts

    def _check_size(self, tokens: int) -> None:
        if tokens > self._settings.request_tokens:
            raise TooLarge(
                f"the texts have about {tokens:,} tokens or more to encode, and a request may have "
                f"{self._settings.request_tokens:,}: send fewer or shorter texts at a time, or "
                "raise LATENT_TERMS_REQUEST_TOKENS"
            )

    def _join(
        self,
        cut: _Cut,
        parts: Sequence[Part | Exception | None],
        vectors: TokenVectors | None,
        *,
        side: Side,
    ) -> EncodedText | EncodingFailed:
        if vectors is None:
            cause = next(part for part in parts if isinstance(part, Exception))
            _LOG.error("the model failed on a text", exc_info=cause)
            return EncodingFailed(f"the model failed on this text ({type(cause).__name__})")
        good = _good(parts)
        sums = [part.sums for part in good if part.sums is not None]
        pooled = [part.pooled for part in good if part.pooled is not None]
        return EncodedText(
            cut.tokens,
            terms=self._readers[side].terms(sums),
            vectors=vectors,
            pooled=pooled[0] if pooled else np.zeros(self._dimensions, np.float32),
        )

    def _vectors(
        self, cut: _Cut, parts: Sequence[Part | Exception | None], need: Need
    ) -> TokenVectors | None:
        """None where a window was not encoded."""
        good = _good(parts)
        if len(good) < len(parts):
            return None
        halves = [part.halves for part in good if part.halves is not None]
        empty = np.zeros((0, self._dimensions), np.float16)
        return TokenVectors(np.concatenate([empty, *halves]), cut.whole).first(need.vector_tokens)


def _guess(text: str, need: Need) -> int:
    guess = len(text) // _CHARACTERS_PER_TOKEN + 1
    return guess if need.terms or not need.vector_tokens else min(guess, need.vector_tokens)


def _cut(text: str, reader: TextReader, side: Side, need: Need) -> _Cut:
    """The windows that are needed, each with what is needed of it."""
    windows: list[Work[TokenIds]] = []
    tokens, whole = 0, True
    for window in [reader.first_window(text)] if need.pooled else reader.windows(text):
        vectors = tokens < need.vector_tokens
        whole = whole and vectors
        if not len(window) or not (need.terms or vectors or need.pooled):
            break
        length = reader.padded_length(window)
        bucket = Bucket(side, length, need.terms, vectors, need.pooled)
        windows.append(Work(bucket, length, window))
        tokens += len(window)
    return _Cut(windows, tokens, whole)


def _by_text(
    cuts: Sequence[_Cut], results: Sequence[Part | Exception | None]
) -> list[list[Part | Exception | None]]:
    """What came of the windows of each text."""
    following = iter(results)
    return [list(islice(following, len(cut.windows))) for cut in cuts]


def _good(parts: Sequence[Part | Exception | None]) -> list[Part]:
    return [part for part in parts if isinstance(part, Part)]
