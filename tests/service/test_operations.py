from __future__ import annotations

import socket

import latent_terms
from rerank_service.server import listening
from rerank_service.settings import Settings

from .serving import Running, running


def test_it_is_alive_and_ready(service: Running) -> None:
    assert service.get("/health/live").json() == {"status": "live"}
    for path in ("/health", "/health/ready"):
        answer = service.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_it_is_not_ready_while_it_shuts_down() -> None:
    with running() as service:
        service.service.ready = False
        answer = service.get("/health/ready")
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
        assert answer.json()["error_type"] == "Unhealthy"
        assert service.get("/health/live").status_code == 200


def test_the_body_of_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    with (
        listening(Settings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_info_tells_model_fingerprint_and_limits(service: Running) -> None:
    info = service.get("/v1/info").json()
    assert info["model"] == "hash" and info["fingerprint"] == "0" * 12
    assert info["version"] == latent_terms.__version__
    assert info["limits"]["max_documents"] == 1000
    assert info["keeps_vectors"] is False and info["dimensions"] == 32


def test_metrics_count_requests_by_route_and_status(service: Running) -> None:
    before = service.metric('requests_total{route="/v1/info",status="200"}')
    service.get("/v1/info")
    assert service.metric('requests_total{route="/v1/info",status="200"}') == before + 1
    service.get("/nowhere/at/all")
    assert service.metric('requests_total{route="other",status="404"}') >= 1
    assert service.metric('info{fingerprint="000000000000",model="hash",version="0.1.0"}') == 1
    assert service.metric("queue_tokens") == 0


def test_request_ids_are_echoed_or_made(service: Running) -> None:
    assert service.get("/v1/info", **{"X-Request-Id": "abc-123"}).headers["x-request-id"] == (
        "abc-123"
    )
    made = service.get("/v1/info", **{"X-Request-Id": "no spaces\tor tabs"}).headers["x-request-id"]
    assert len(made) == 32 and made != service.get("/v1/info").headers["x-request-id"]
    missing = service.get("/nowhere", **{"X-Request-Id": "abc"})
    assert missing.json()["id"] == missing.headers["x-request-id"] == "abc"


def test_an_unknown_path_and_a_wrong_method_are_answered_as_errors(service: Running) -> None:
    missing = service.get("/nowhere")
    assert missing.status_code == 404
    assert missing.json()["error"] == missing.json()["message"]
    assert "/openapi.json" in missing.json()["error"]
    wrong = service.post("/v1/info", {})
    assert wrong.status_code == 405 and wrong.headers["allow"] == "GET"
