"""Everything that an application holds: made once, shared by its requests."""

from __future__ import annotations

import asyncio
import contextlib
import time

import latent_terms
from latent_terms import TermEncoder
from rerank_service.encoding import Encoding
from rerank_service.metrics import Metrics
from rerank_service.reranking import Reranker
from rerank_service.settings import Settings
from rerank_service.store import KeptVectors
from rerank_service.tracing import Tracing


class Service:
    """Raises SettingsRejected when the store, the file of keys or traces cannot be used."""

    def __init__(
        self, encoder: TermEncoder, settings: Settings, tracing: Tracing | None = None
    ) -> None:
        self.settings = settings
        self.keys = settings.keys()
        self.encoder = encoder
        self.metrics = Metrics()
        self.tracing = Tracing.open(settings) if tracing is None else tracing
        self.encoding = Encoding(encoder, settings, self.metrics, self.tracing)
        self.kept = KeptVectors.open(encoder, settings, self.metrics)
        self.reranker = Reranker(self.encoding, self.kept, settings, self.metrics, self.tracing)
        self.ready = False
        """Whether new requests are welcome: not before it is warm, not while it shuts down."""
        self.metrics.info(
            version=latent_terms.__version__, model=encoder.name, fingerprint=encoder.fingerprint
        )
        batcher = self.encoding.batcher
        self.metrics.gauge("queue_tokens", "Tokens that wait", lambda: batcher.waiting_tokens)
        self.metrics.gauge("queue_seconds", "Oldest wait", lambda: batcher.oldest_wait)

    @property
    def model(self) -> str:
        """Name and fingerprint: what terms and vectors are of."""
        return f"{self.encoder.name}@{self.encoder.fingerprint}"

    def deadline(self, timeout_ms: int | None, *, documents: bool = False) -> float:
        """On the clock of ``time.monotonic``; a request may ask for less than the settings."""
        most = self.settings.document_timeout_ms if documents else self.settings.timeout_ms
        return time.monotonic() + min(timeout_ms or most, most) / 1000

    async def start(self) -> None:
        await asyncio.to_thread(self.encoding.warm_up)
        self.ready = True

    async def drain(self) -> None:
        """Take no new requests; when time is up, answer those in flight with 503."""
        self.ready = False
        await asyncio.sleep(self.settings.shutdown_seconds)
        self.encoding.batcher.close()

    async def stop(self) -> None:
        self.ready = False
        with contextlib.suppress(RuntimeError):  # stopped twice
            await asyncio.to_thread(self.encoding.close)
        await asyncio.to_thread(self.kept.close)
        await asyncio.to_thread(self.tracing.close)
