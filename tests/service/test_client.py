"""The client against the real service, and against ports where it is not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from adapters import Document, Schema, Search, connect
from latent_terms.testing import hash_encoder
from rerank_service.client import Client, ServiceLate, ServiceRefused, ServiceUnavailable
from rerank_service.local import LocalReranker

from .serving import Running, running, watched_encoder

TEXTS = [f"text {n} of wings and cats {n * n}" for n in range(200)]


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.url, timeout=60) as client:
        yield client


def test_it_encodes_as_the_encoder_in_process_does(client: Client) -> None:
    encoder = hash_encoder()
    found = list(client.encode_documents(iter(TEXTS)))
    expected = list(encoder.encode_documents(TEXTS))
    assert [list(terms.items()) for terms in found] == [list(t.items()) for t in expected]
    assert list(client.encode_query("of wings").items()) == list(
        encoder.encode_query("of wings").items()
    )
    assert client.fingerprint == encoder.fingerprint
    assert list(client.encode_documents([])) == []


def test_it_reranks_as_the_reranker_in_process_does(client: Client) -> None:
    documents = [*TEXTS[:20], ""]
    remote = client.rerank("wings 9", documents)
    local = LocalReranker(hash_encoder()).rerank("wings 9", documents)
    assert remote.scores == pytest.approx(local.scores, abs=1e-3)
    assert remote.reason is None and len(remote.scores) == 21 and remote.scores[-1] == -1


def test_documents_are_read_a_bounded_number_ahead(client: Client) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for _ in range(100_000):
            read += 1
            yield "a text"

    encoded = client.encode_documents(texts())
    next(encoded)
    assert read < 5 * 64
    encoded.close()


def test_search_is_the_same_code_in_process_and_over_http(client: Client, tmp_path: Path) -> None:
    results = []
    for name, encoder in [("local", hash_encoder()), ("remote", client)]:
        with connect(tmp_path / name) as engine:
            engine.create(Schema(text=("body",), fingerprint=encoder.fingerprint))
            search = Search(engine, encoder)
            search.index(Document(str(n), {"body": text}) for n, text in enumerate(TEXTS))
            hits = search.search("wings 49", size=5).hits
            results.append([(hit.id, hit.score) for hit in hits])
    assert results[0] == results[1] != []


def test_a_service_that_is_down_is_a_connection_error_in_time() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    address = f"http://127.0.0.1:{port}"
    with Client(address, timeout=0.5) as client, pytest.raises(ServiceUnavailable) as down:
        client.encode_query("x")
    assert "cannot be reached" in str(down.value)
    assert isinstance(down.value, ConnectionError)
    assert time.monotonic() - started < 10


def test_a_service_that_is_late_is_a_timeout_and_stops_working_for_us() -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1) as service, Client(service.url, timeout=0.5) as client:
        assert client.fingerprint
        backbone.open.clear()
        started = time.monotonic()
        with pytest.raises(ServiceLate) as late:
            client.rerank("a query", ["a document"])
        assert isinstance(late.value, TimeoutError) and time.monotonic() - started < 10
        backbone.open.set()
        assert client.rerank("a", ["a"]).scores == pytest.approx([1.0], abs=1e-3)


def test_what_is_refused_is_not_tried_again(service: Running) -> None:
    with Client(service.url) as client, pytest.raises(ServiceRefused, match="413.*1,000"):
        client.rerank("q", ["x"] * 1001)
    encoder, _ = watched_encoder()
    failed = pytest.raises(ServiceRefused, match="the model failed on 1 of 2 texts, at 1")
    with running(encoder) as poisoned, Client(poisoned.url, timeout=60) as client, failed:
        list(client.encode_documents(["fine", "poison"]))


def test_a_key_is_shown_and_a_wrong_one_is_refused() -> None:
    with running(api_keys=("key",)) as service:
        with Client(service.url, api_key="key", timeout=60) as client:
            assert client.encode_query("x")
        refused = pytest.raises(ServiceRefused, match="401")
        with Client(service.url, api_key="other") as client, refused:
            client.encode_query("x")


class Flaky(BaseHTTPRequestHandler):
    """Answers what its list says, one request after the other."""

    answers: list[tuple[int, dict[str, str], bytes]] = []
    seen: list[float] = []

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append(time.monotonic())
        status, headers, body = self.answers.pop(0)
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def flaky() -> Iterator[tuple[str, type[Flaky]]]:
    handler = type("OneFlaky", (Flaky,), {"answers": [], "seen": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


INFO = (200, {}, b'{"fingerprint": "aaa"}')


def test_overload_is_tried_again_after_what_the_service_asks_for(
    flaky: tuple[str, type[Flaky]],
) -> None:
    url, handler = flaky
    handler.answers = [
        (429, {"Retry-After": "1"}, b'{"error": "full"}'),
        (503, {}, b"no JSON"),
        INFO,
    ]
    with Client(url, timeout=10) as client:
        assert client.fingerprint == "aaa"
    assert handler.seen[1] - handler.seen[0] >= 1
    assert len(handler.seen) == 3


def test_overload_that_lasts_longer_than_our_time_is_said_at_once(
    flaky: tuple[str, type[Flaky]],
) -> None:
    url, handler = flaky
    handler.answers = [(429, {"Retry-After": "30"}, b'{"error": "full"}')]
    started = time.monotonic()
    with Client(url, timeout=20) as client, pytest.raises(ServiceUnavailable, match="429: full"):
        client.info()
    assert time.monotonic() - started < 15 and len(handler.seen) == 1


def test_another_model_behind_the_address_is_refused(flaky: tuple[str, type[Flaky]]) -> None:
    url, handler = flaky
    handler.answers = [(200, {}, b'{"fingerprint": "bbb", "data": [{"terms": {}}]}'), INFO]
    with Client(url) as client, pytest.raises(ServiceRefused, match="from aaa to bbb"):
        client.encode_query("x")
