"""Mixedbread's own client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import mixedbread
import pytest

from .served import DOCUMENTS, KEY, QUERY, Served


@pytest.fixture
def client(service: Served) -> Iterator[mixedbread.Mixedbread]:
    with mixedbread.Mixedbread(api_key=KEY, base_url=service.url) as client:
        yield client


def test_data_is_all_inputs_best_first(client: mixedbread.Mixedbread, service: Served) -> None:
    answer = client.rerank(query=QUERY, input=DOCUMENTS)
    assert [each.index for each in answer.data] == service.order()
    assert [each.score for each in answer.data] == sorted(service.scores(), reverse=True)
    assert (answer.object, answer.top_k, answer.return_input) == ("list", len(DOCUMENTS), False)
    assert answer.usage.total_tokens > 0 and answer.model == "hash"
    assert answer.data[0].input is None


def test_top_k_cuts_data_and_inputs_come_back(
    client: mixedbread.Mixedbread, service: Served
) -> None:
    answer = client.rerank(model="any", query=QUERY, input=DOCUMENTS, top_k=2, return_input=True)
    assert [each.input for each in answer.data] == [DOCUMENTS[n] for n in service.order()[:2]]
    assert (answer.top_k, answer.return_input) == (2, True)


def test_objects_are_ranked_by_their_fields_and_keep_their_ids(
    client: mixedbread.Mixedbread,
) -> None:
    inputs = [{"id": "a", "title": "cat"}, {"id": "b", "title": "wing lift"}]
    answer = client.rerank(query=QUERY, input=inputs, rank_fields=["title"], return_input=True)
    assert [each.input["id"] for each in answer.data] == ["b", "a"]


def test_answers_are_valid_by_the_clients_own_schema(service: Served) -> None:
    with mixedbread.Mixedbread(
        api_key=KEY, base_url=service.url, _strict_response_validation=True
    ) as client:
        assert client.rerank(query=QUERY, input=DOCUMENTS, return_input=True).data


def test_what_else_is_sent_is_tolerated(client: mixedbread.Mixedbread, service: Served) -> None:
    extras = {"instruction": "newest first", "nobody_knows_this": {"a": [1]}}
    answer = client.rerank(query=QUERY, input=DOCUMENTS, rewrite_query=True, extra_body=extras)
    assert [each.index for each in answer.data] == service.order()
    raw = client.with_raw_response.rerank(
        query=QUERY, input=["x"], extra_body=extras, extra_headers={"X-Request-Id": "mine-17"}
    )
    assert raw.headers["x-request-id"] == "mine-17"
    assert "instruction" in raw.headers["x-rerank-notes"]


def test_the_asynchronous_client_gets_the_same(service: Served) -> None:
    async def ask() -> list[int]:
        async with mixedbread.AsyncMixedbread(api_key=KEY, base_url=service.url) as client:
            answer = await client.rerank(query=QUERY, input=DOCUMENTS)
            return [each.index for each in answer.data]

    assert asyncio.run(ask()) == service.order()


def test_a_wrong_key_is_an_authentication_error(service: Served) -> None:
    with (
        mixedbread.Mixedbread(api_key="wrong", base_url=service.url) as client,
        pytest.raises(mixedbread.AuthenticationError, match="Authorization: Bearer KEY"),
    ):
        client.rerank(query=QUERY, input=DOCUMENTS)


def test_what_cannot_be_run_is_unprocessable_and_says_why(client: mixedbread.Mixedbread) -> None:
    with pytest.raises(mixedbread.UnprocessableEntityError, match="top_k: ") as error:
        client.rerank(query=QUERY, input=DOCUMENTS, top_k=-1)
    assert error.value.status_code == 422


def test_too_many_requests_tell_when_to_try_again(
    client: mixedbread.Mixedbread, service: Served
) -> None:
    with service.full(), pytest.raises(mixedbread.RateLimitError) as error:
        client.with_options(max_retries=0).rerank(query=QUERY, input=DOCUMENTS)
    assert error.value.response.headers["retry-after"] == "1"


def test_a_full_service_is_asked_again_after_what_it_says(
    client: mixedbread.Mixedbread, service: Served
) -> None:
    started = time.monotonic()
    with service.full_until_refused():
        assert client.rerank(query=QUERY, input=DOCUMENTS).data[0].index == service.order()[0]
    assert time.monotonic() - started >= 1
