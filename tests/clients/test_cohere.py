"""Cohere's own clients, of both versions of its API, synchronous and not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import cohere
import pytest
from cohere.errors import TooManyRequestsError, UnauthorizedError, UnprocessableEntityError

from .served import DOCUMENTS, KEY, QUERY, Served

Ask = Callable[..., Any]
CLIENTS = {"v1": cohere.Client, "v2": cohere.ClientV2}
BODY = {"model": "any", "query": QUERY, "documents": DOCUMENTS}


@pytest.fixture(params=CLIENTS)
def ask(request: pytest.FixtureRequest, service: Served) -> Iterator[Ask]:
    with CLIENTS[request.param](KEY, base_url=service.url) as client:
        yield lambda **values: client.rerank(**BODY | values)


def test_results_are_all_documents_best_first(ask: Ask, service: Served) -> None:
    found = ask().results
    assert [each.index for each in found] == service.order()
    assert [each.relevance_score for each in found] == sorted(service.scores(), reverse=True)
    assert found[0].relevance_score == pytest.approx(1.0, abs=1e-3)


def test_top_n_cuts_results(ask: Ask, service: Served) -> None:
    assert [each.index for each in ask(top_n=2).results] == service.order()[:2]


@pytest.mark.parametrize("version", CLIENTS)
def test_the_answer_has_the_id_the_version_and_the_units(version: str, service: Served) -> None:
    with CLIENTS[version](KEY, base_url=service.url) as client:
        options = {"additional_headers": {"X-Request-Id": "mine-17"}}
        answer = client.rerank(**BODY, request_options=options)
    assert answer.id == "mine-17"
    assert answer.meta.api_version.version == version.removeprefix("v")
    assert answer.meta.billed_units.search_units == 1


def test_what_else_is_sent_is_tolerated_and_what_else_is_answered_is_there(
    ask: Ask, service: Served
) -> None:
    extras = {"instruction": "newest first", "priority": 3, "nobody_knows_this": {"a": [1]}}
    answer = ask(request_options={"additional_body_parameters": extras})
    assert [each.index for each in answer.results] == service.order()
    assert answer.meta.warnings == [
        "instruction was not used: mode maxsim ranks by the query alone"
    ]
    assert answer.scores == service.scores() and answer.rerank_status == "ok"


def test_version_1_ranks_objects_and_returns_documents(service: Served) -> None:
    documents = [{"title": "cat", "text": "sat"}, {"title": "wing", "text": "lift"}]
    with cohere.Client(KEY, base_url=service.url) as client:
        found = client.rerank(
            model="any",
            query=QUERY,
            documents=documents,
            rank_fields=["title", "text"],
            return_documents=True,
        ).results
    assert [each.index for each in found] == [1, 0]
    assert found[0].document.text == "lift" and found[0].document.title == "wing"


def test_version_2_reads_as_many_tokens_as_it_is_told(service: Served) -> None:
    with cohere.ClientV2(KEY, base_url=service.url) as client:
        body = BODY | {"documents": ["cat wing lift", "wing"], "max_tokens_per_doc": 1}
        assert [each.index for each in client.rerank(**body).results] == [1, 0]


@pytest.mark.parametrize("client", [cohere.AsyncClient, cohere.AsyncClientV2])
def test_the_asynchronous_clients_get_the_same(client: Any, service: Served) -> None:
    async def ask() -> Any:
        async with client(KEY, base_url=service.url) as opened:
            return await asyncio.gather(*[opened.rerank(**BODY) for _ in range(5)])

    for answer in asyncio.run(ask()):
        assert [each.index for each in answer.results] == service.order()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_wrong_key_is_unauthorized(client: Any, service: Served) -> None:
    with client("wrong", base_url=service.url) as opened, pytest.raises(UnauthorizedError) as error:
        opened.rerank(**BODY)
    assert error.value.status_code == 401
    assert "Authorization: Bearer KEY" in error.value.body["message"]


def test_what_cannot_be_run_is_unprocessable_and_says_why(ask: Ask) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        ask(top_n=-1)
    assert error.value.body["message"].startswith("top_n: ")
    assert error.value.body["id"] == error.value.headers["x-request-id"]


def test_too_many_requests_tell_when_to_try_again(ask: Ask, service: Served) -> None:
    with service.full(), pytest.raises(TooManyRequestsError) as error:
        ask(request_options={"max_retries": 0})
    assert error.value.headers["retry-after"] == "1"
    assert "in flight" in error.value.body["message"]


def test_a_full_service_is_asked_again_after_what_it_says(ask: Ask, service: Served) -> None:
    started = time.monotonic()
    with service.full_until_refused():
        assert ask(top_n=1).results[0].index == service.order()[0]
    assert time.monotonic() - started >= 1
