"""The OpenAPI document is true: its examples work, and so does what schemathesis makes of it."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode

from .serving import Running

POSTS = ["/v1/encode", "/v1/embeddings", "/rerank", "/v1/rerank", "/v2/rerank", "/v1/reranking"]
GETS = ["/health/live", "/health/ready", "/metrics", "/v1/info"]
EXAMPLES = 30
ANSWERS = {200, 400, 413, 422, 504}  # 504: a timeout_ms of 1


@pytest.fixture(scope="session")
def document(service: Running) -> Any:
    return schemathesis.openapi.from_url(f"{service.url}/openapi.json")


def attempt(operation: Any, mode: GenerationMode, allowed: set[int]) -> list[int]:
    """Send what schemathesis makes of the operation, check each answer against the document."""
    statuses: list[int] = []

    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def send(case: Any) -> None:
        answer = case.call()
        statuses.append(answer.status_code)
        assert answer.status_code in allowed, answer.text
        operation.validate_response(answer)

    send()
    return statuses


@pytest.mark.parametrize("path", POSTS)
def test_what_fits_the_document_is_answered_as_it_says(document: Any, path: str) -> None:
    statuses = attempt(document[path]["POST"], GenerationMode.POSITIVE, ANSWERS)
    assert 200 in statuses


@pytest.mark.parametrize("path", POSTS)
def test_what_does_not_fit_is_refused_as_it_says(document: Any, path: str) -> None:
    statuses = attempt(document[path]["POST"], GenerationMode.NEGATIVE, ANSWERS)
    assert statuses.count(422) + statuses.count(400) > len(statuses) / 2


@pytest.mark.parametrize("path", GETS)
def test_routes_without_a_body_answer_as_it_says(document: Any, path: str) -> None:
    assert set(attempt(document[path]["GET"], GenerationMode.POSITIVE, {200})) == {200}


def test_it_holds_every_route(document: Any, service: Running) -> None:
    paths = service.get("/openapi.json").json()["paths"]
    assert set(paths) == {*POSTS, *GETS}


def test_its_examples_work(service: Running) -> None:
    schemas = service.get("/openapi.json").json()["components"]["schemas"]
    routes = {
        "EncodeRequest": "/v1/encode",
        "EmbeddingsRequest": "/v1/embeddings",
        "RerankRequest": "/v1/rerank",
    }
    for name, path in routes.items():
        assert schemas[name]["examples"]
        for example in schemas[name]["examples"]:
            assert service.post(path, example).status_code == 200
