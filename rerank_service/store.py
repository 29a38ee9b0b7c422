"""The store of token vectors as requests see it: reads in time, writes behind them, counts both."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import lmdb

from latent_terms import TermEncoder
from rerank_service.metrics import Metrics
from rerank_service.records import TokenVectors, key_of, to_bytes
from rerank_service.settings import Settings
from rerank_service.vectors import VectorStore

_LOG = logging.getLogger(__name__)
_PENDING_BYTES = 64 << 20  # that may wait to be written
_COMMIT_BYTES = 8 << 20


class KeptVectors:
    """Token vectors of documents by their text; keeps nothing where there is no store."""

    def __init__(self, store: VectorStore | None, fingerprint: str, metrics: Metrics) -> None:
        self._store = store
        self._fingerprint = fingerprint
        self._metrics = metrics
        self._writer = ThreadPoolExecutor(1, "store")
        self._lock = threading.Lock()
        self._pending = 0
        if store is not None:
            metrics.gauge("store_bytes", "Bytes in use", lambda: store.statistics().bytes_used)
            metrics.gauge("store_records", "Documents kept", lambda: store.statistics().records)
            metrics.gauge("store_evicted", "Documents that made room", lambda: store.evicted)

    @classmethod
    def open(cls, encoder: TermEncoder, settings: Settings, metrics: Metrics) -> KeptVectors:
        """Raises SettingsRejected when the store cannot be opened."""
        folder = settings.store_folder
        if folder is None:
            return cls(None, encoder.fingerprint, metrics)
        dimensions = encoder.manifest.backbone.dimensions
        store = VectorStore(folder, max_bytes=settings.store_bytes, dimensions=dimensions)
        return cls(store, encoder.fingerprint, metrics)

    @property
    def keeps(self) -> bool:
        return self._store is not None

    def find(self, texts: Sequence[str], *, tokens: int) -> list[TokenVectors | None]:
        """The first ``tokens`` tokens of each text where kept; a failing disk is a miss."""
        if self._store is None:
            return [None] * len(texts)
        try:
            found = self._store.get([key_of(text, self._fingerprint) for text in texts])
        except lmdb.Error as exc:
            _LOG.error("reading the vector store failed: %s", exc)
            self._metrics.store_events.labels("read_failed").inc()
            return [None] * len(texts)
        return [
            kept.first(tokens) if kept is not None and kept.serves(tokens) else None
            for kept in found
        ]

    def keep(self, vectors: Mapping[str, TokenVectors]) -> None:
        """Write soon, in another thread; leave out what the disk cannot keep up with."""
        if self._store is None:
            return
        batch: dict[str, TokenVectors] = {}
        size = 0
        for text, each in vectors.items():
            needed = len(text) + each.vectors.nbytes
            if self._pending + size + needed > _PENDING_BYTES:
                self._metrics.store_events.labels("disk_too_slow").inc()
                continue
            batch[text] = each
            size += needed
            if size >= _COMMIT_BYTES:
                self._submit(self._store, batch, size)
                batch, size = {}, 0
        if batch:
            self._submit(self._store, batch, size)

    def flush(self) -> None:
        """Wait until what was to be kept is written."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        self._writer.shutdown(wait=True)
        if self._store is not None:
            self._store.close()

    def _submit(self, store: VectorStore, batch: Mapping[str, TokenVectors], size: int) -> None:
        def written(_: Future[None]) -> None:
            with self._lock:
                self._pending -= size

        with self._lock:
            self._pending += size
        self._writer.submit(self._write, store, batch).add_done_callback(written)

    def _write(self, store: VectorStore, batch: Mapping[str, TokenVectors]) -> None:
        events = self._metrics.store_events
        try:
            with self._metrics.stage("store"):
                records = {
                    key_of(text, self._fingerprint): to_bytes(each) for text, each in batch.items()
                }
                left_out = store.put(records)
        except lmdb.Error as exc:
            _LOG.error("writing the vector store failed: %s", exc)
            events.labels("write_failed").inc(len(batch))
            return
        events.labels("too_large").inc(left_out)
        events.labels("kept").inc(len(batch) - left_out)
