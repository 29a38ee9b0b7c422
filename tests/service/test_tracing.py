from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.testclient import TestClient

from latent_terms.testing import hash_encoder
from rerank_service.app import create_app
from rerank_service.errors import SettingsRejected
from rerank_service.settings import Settings
from rerank_service.tracing import Tracing

from .serving import running

BODY = {"query": "a secret wing", "texts": ["lift", "cat"]}
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def spans_of_a_rerank() -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    settings = Settings(store="none", threads=1, timeout_ms=60_000)
    with TestClient(create_app(hash_encoder(threads=1), settings, Tracing(provider))) as client:
        exporter.clear()
        assert client.get("/health/ready").status_code == 200
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-Id": "abc"}
        assert client.post("/rerank", json=BODY, headers=headers).status_code == 200
        return list(exporter.get_finished_spans())


def test_a_request_is_a_span_of_the_callers_trace_with_its_stages_inside() -> None:
    spans = spans_of_a_rerank()
    assert sorted(span.name for span in spans) == ["encode", "encode", "request", "score"]
    (request,) = (span for span in spans if span.name == "request")
    assert request.parent is not None and f"{request.parent.span_id:016x}" == CALLER
    for span in spans:
        assert span.context is not None and f"{span.context.trace_id:032x}" == TRACE
        if span is not request:
            assert span.parent == request.context
    assert dict(request.attributes or {}) == {
        "http.route": "/rerank",
        "http.response.status_code": 200,
        "request.id": "abc",
    }
    assert "secret" not in "".join(span.to_json() for span in spans)


def test_a_failed_stage_is_named_without_what_its_error_says() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    failing = pytest.raises(ValueError, match="a secret")
    with failing, Tracing(provider).span("encode"):
        raise ValueError("a secret")
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes or {}) == {"error.type": "ValueError"}
    assert "secret" not in span.to_json()


def test_spans_are_sent_to_the_endpoint_before_the_service_ends() -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever, args=(0.01,))
        thread.start()
        endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
        with running(otlp_endpoint=endpoint, timeout_ms=60_000) as service:
            assert service.post("/rerank", BODY).status_code == 200
        collector.shutdown()
        thread.join()
    assert b"request" in b"".join(received) and b"score" in b"".join(received)


def test_without_the_extra_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsRejected, match=r"pip install 'latent-terms\[otel\]'"):
        Tracing.open(Settings(otlp_endpoint="http://collector:4318/v1/traces"))
    with Tracing.open(Settings()).span("encode") as about:
        about["texts"] = 1
