"""What the service counts, in Prometheus' format; docs/service.md says what each one means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from rerank_service.batching import BatchReport

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """One of these for each application: nothing is global."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered", "route", "status")
        self.request_seconds = self._histogram("request_seconds", "Until answered", "route")
        self.stage_seconds = self._histogram(
            "stage_seconds", "Time in one stage: cut, wait, model, store, score", "stage"
        )
        self.rejected = self._counter("rejected", "Requests answered with an error", "reason")
        self.fallbacks = self._counter(
            "fallbacks", "Reranks answered with the order they came in", "reason"
        )
        self.texts = self._counter("texts", "Texts encoded", "side")
        self.tokens = self._counter("tokens", "Tokens given to the model", "kind")
        self.failed = self._counter("failed_texts", "Pieces of text that the model failed on")
        self.batch_items = Histogram(
            "latent_terms_batch_items",
            "Pieces of text in a batch",
            buckets=_ITEMS,
            registry=self.registry,
        )
        self.vectors = self._counter(
            "vectors", "Documents to rerank by where their vectors came from", "source"
        )
        self.store_events = self._counter(
            "store_events", "Documents whose vectors were to be kept or found, by outcome", "event"
        )

    def gauge(self, name: str, help: str, value: Callable[[], float]) -> None:
        """A number that is looked up when it is asked for."""
        Gauge(f"latent_terms_{name}", help, registry=self.registry).set_function(value)

    def info(self, **labels: str) -> None:
        gauge = Gauge("latent_terms_info", "What runs here", list(labels), registry=self.registry)
        gauge.labels(**labels).set(1)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.stage_seconds.labels(name).observe(perf_counter() - started)

    def batch(self, report: BatchReport) -> None:
        self.batch_items.observe(report.items)
        self.stage_seconds.labels("wait").observe(report.longest_wait)
        self.stage_seconds.labels("model").observe(report.duration)
        self.failed.inc(report.failed)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def _counter(self, name: str, help: str, *labels: str) -> Counter:
        return Counter(f"latent_terms_{name}", help, labels, registry=self.registry)

    def _histogram(self, name: str, help: str, *labels: str) -> Histogram:
        return Histogram(
            f"latent_terms_{name}", help, labels, buckets=_SECONDS, registry=self.registry
        )
