"""Spans for OpenTelemetry, where it is asked for: request, encode, score. They hold no text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import latent_terms
from rerank_service.errors import SettingsRejected
from rerank_service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


class Tracing:
    """Without a provider its spans cost nothing."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._provider = provider

    @classmethod
    def open(cls, settings: Settings) -> Tracing:
        """Raises SettingsRejected without the extra."""
        if not settings.otlp_endpoint:
            return cls()
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as exc:
            raise SettingsRejected(
                f"otlp_endpoint is {settings.otlp_endpoint!r} and {exc.name} is missing: "
                "pip install 'latent-terms[otel]', or leave the setting out"
            ) from exc
        about = {"service.name": "latent-terms", "service.version": latent_terms.__version__}
        provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint)))
        return cls(provider)

    @contextmanager
    def span(
        self, name: str, *, parent: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, str | int]]:
        """Attributes put into what it yields belong to the span; ``parent`` are HTTP headers."""
        attributes: dict[str, str | int] = {}
        if self._provider is None:
            yield attributes
            return
        from opentelemetry.propagate import extract

        tracer = self._provider.get_tracer("rerank_service")
        context = None if parent is None else extract(parent)
        started = tracer.start_as_current_span(
            name,
            context,
            record_exception=False,  # it might quote a text
            set_status_on_exception=False,
        )
        with started as span:
            try:
                yield attributes
            except Exception as exc:
                attributes["error.type"] = type(exc).__name__
                raise
            finally:
                span.set_attributes(attributes)

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()
