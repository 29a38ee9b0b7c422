"""Keys, limits and overload: refused early, in words, without upsetting anybody else."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from .serving import Running, running, wait_until, watched_encoder

KB = 1024


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A service whose every limit is low."""
    limits = {
        "max_body_bytes": 8 * KB,
        "max_documents": 5,
        "max_nesting": 4,
        "queue_tokens": 400,
        "request_tokens": 400,
        "body_timeout_ms": 300,
    }
    with running(**limits) as service:
        yield service


def refused(answer: httpx.Response, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["error"] == body["message"] and body["id"] == answer.headers["x-request-id"]
    assert isinstance(body["error_type"], str)
    for word in words:
        assert word in body["error"]
    return body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{'input': 'x'}",
        b'{"input": NaN}',
        b"\xff\xfe",
        b'{"input": "\\ud800"}',
        b"[" * 100_000,
        b'{"input": ' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_not_json_is_400(service: Running, body: bytes) -> None:
    refused(service.client.post("/v1/encode", content=body), 400)


def test_a_body_over_the_limit_is_413_announced_or_not(small: Running) -> None:
    body = json.dumps({"input": "x" * 9 * KB}).encode()
    refused(
        small.client.post("/v1/encode", content=body), 413, "8,192", "LATENT_TERMS_MAX_BODY_BYTES"
    )
    chunks = (body[n : n + KB] for n in range(0, len(body), KB))
    refused(small.client.post("/v1/encode", content=chunks), 413, "8,192")


def test_a_huge_body_is_refused_before_it_is_read(small: Running) -> None:
    started = time.monotonic()
    answer = small.client.post("/v1/encode", content=b" " * (20 << 20))
    refused(answer, 413)
    assert time.monotonic() - started < 20
    assert small.metric("body_bytes") == 0


@pytest.mark.parametrize(
    ("path", "name"), [("/v1/encode", "input"), ("/rerank", "texts"), ("/v2/rerank", "documents")]
)
def test_too_many_texts_are_413(small: Running, path: str, name: str) -> None:
    body = {"query": "q", name: ["x"] * 6}
    refused(small.post(path, body), 413, "6 texts", "LATENT_TERMS_MAX_DOCUMENTS")


def test_too_many_tokens_are_413(small: Running) -> None:
    for text in ("word " * 600, "a " * 900):  # by the guess, and by the count
        refused(small.post("/v1/encode", {"input": text}), 413, "LATENT_TERMS_REQUEST_TOKENS")
    assert small.metric("queue_tokens") == 0


def test_reranking_reads_so_little_of_a_document_that_it_fits(small: Running) -> None:
    body = {"query": "q", "documents": ["a " * 1000] * 2, "max_tokens_per_doc": 100}
    assert small.post("/rerank", body).status_code == 200


def test_nesting_over_the_limit_is_400(small: Running) -> None:
    fits, deep = {"input": "x", "u": [[[1]]]}, {"input": "x", "u": [[[[1]]]]}
    assert small.post("/v1/encode", fits).status_code == 200
    refused(small.post("/v1/encode", deep), 400, "4 deep", "LATENT_TERMS_MAX_NESTING")


def test_a_body_that_does_not_arrive_is_408(small: Running) -> None:
    with socket.create_connection(("127.0.0.1", int(small.url.rpartition(":")[2]))) as connection:
        connection.sendall(b'POST /v1/encode HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"in')
        connection.settimeout(10)
        assert b" 408 " in connection.recv(4096)


def test_a_defect_is_500_with_an_id_for_the_log(small: Running, caplog: Any) -> None:
    encode = small.service.encoding.encode
    small.service.encoding.encode = None  # type: ignore[assignment,method-assign]
    try:
        answer = small.post("/v1/encode", {"input": "secret words"})
    finally:
        small.service.encoding.encode = encode  # type: ignore[method-assign]
    assert "its log" in refused(answer, 500)["error"]
    assert answer.headers["x-request-id"] in caplog.text and "secret" not in caplog.text


KEYS = ("first-kéy", "second-key")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    file: Path = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(KEYS[1])
    with running(api_keys=(KEYS[0],), api_keys_file=str(file)) as service:
        yield service


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {}", "{}"])
def test_every_key_opens_with_bearer_or_bare(locked: Running, key: str, form: str) -> None:
    shown = {b"Authorization": form.format(key).encode()}
    assert locked.client.get("/v1/info", headers=shown).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "first", "Bearer first-kéy2", "Basic first-kéy", "first-key"],
)
@pytest.mark.parametrize("path", ["/v1/info", "/metrics", "/openapi.json", "/nowhere"])
def test_no_key_or_a_wrong_one_opens_nothing(locked: Running, header: str, path: str) -> None:
    answer = locked.client.get(path, headers={b"Authorization": header.encode()})
    refused(answer, 401, "Authorization: Bearer KEY")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "key" not in answer.text.replace("no key", "")


def test_a_wrong_key_is_refused_before_the_body_is_read(locked: Running) -> None:
    refused(locked.client.post("/v1/encode", content=b"x" * KB * KB), 401)


def test_health_needs_no_key(locked: Running) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert locked.get(path).status_code == 200


def test_a_full_queue_is_429_within_milliseconds_and_the_others_are_served() -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1, queue_tokens=2000, request_tokens=2000) as service:
        backbone.open.clear()
        body = {"input": ["word " * 120] * 5}

        def ask(_: int) -> tuple[float, httpx.Response]:
            started = time.monotonic()
            answer = service.post("/v1/encode", body)
            return time.monotonic() - started, answer

        with ThreadPoolExecutor(12) as pool:
            asked = [pool.submit(ask, n) for n in range(12)]
            wait_until(lambda: sum(each.done() for each in asked) >= 8)
            backbone.open.set()
            answers = [each.result() for each in asked]
        served = [answer for _, answer in answers if answer.status_code == 200]
        assert served and len(answers) - len(served) >= 8
        for seconds, answer in answers:
            if answer in served:
                continue
            refused(answer, 429, "try again later")
            assert seconds < 10  # they would wait for 20
            assert 1 <= int(answer.headers["retry-after"]) <= 30
            assert answer.headers["x-amzn-errortype"] == "ThrottlingException"
            assert answer.json()["error_type"] == "Overloaded"
        assert service.metric('rejected_total{reason="Overloaded"}') == 12 - len(served)
        assert service.metric("queue_tokens") == 0


def test_too_many_requests_or_bytes_at_a_time_are_429() -> None:
    encoder, backbone = watched_encoder()
    for limit in ({"max_requests": 2}, {"max_bytes_in_flight": 2 * KB}):
        with running(encoder, threads=1, **limit) as service:
            backbone.open.clear()
            body = {"input": "x" * 900}
            with ThreadPoolExecutor(2) as pool:
                first = [pool.submit(service.post, "/v1/encode", body) for _ in range(2)]
                wait_until(lambda: service.metric("body_bytes") > 1800)
                refused(service.post("/v1/encode", body), 429)
                assert service.get("/health/ready").status_code == 200
                backbone.open.set()
                assert [each.result().status_code for each in first] == [200, 200]
            assert service.metric("body_bytes") == 0


def test_a_client_that_goes_away_is_not_worked_for() -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1) as service:
        backbone.open.clear()
        stays = threading.Thread(target=service.post, args=("/v1/encode", {"input": "stays"}))
        stays.start()
        batcher = service.service.encoding.batcher
        wait_until(lambda: batcher._free == 0)
        before = len(backbone.batches)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{service.url}/v1/encode", json={"input": "goes " * 99}, timeout=0.2)
        wait_until(lambda: batcher.waiting_tokens == 0)
        backbone.open.set()
        stays.join()
        wait_until(lambda: service.metric("requests_in_flight") == 0)
        assert len(backbone.batches) == before + 1
        assert service.metric('requests_total{route="/v1/encode",status="499"}') == 1


def test_logs_hold_neither_texts_nor_keys(locked: Running, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    headers = {"Authorization": f"Bearer {KEYS[1]}"}
    answer = locked.post("/v1/encode", {"input": "confidential words"}, **headers)
    assert answer.status_code == 200
    assert locked.post("/v1/encode", {"input": 5}, **headers).status_code == 422
    assert locked.get("/v1/info?q=confidential", **headers).status_code == 200
    wait_until(lambda: answer.headers["x-request-id"] in caplog.text)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("rerank")]
    assert ours and not any("confidential" in line or "key" in line for line in ours)
