"""LiteLLM, by the name of each provider whose dialect the service speaks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import litellm
import pytest

from .conftest import reached_out
from .served import DOCUMENTS, KEY, QUERY, Served

TELL_WHEN = ["hosted_vllm", "jina_ai", "voyage"]
"""Providers whose errors hold the headers of the answer."""
PROVIDERS = ["cohere", "huggingface", *TELL_WHEN]
LOOKUP = "socket.getaddrinfo huggingface.co"


@pytest.fixture(autouse=True)
def lookups() -> Iterator[None]:
    """huggingface/ asks the Hub how large the model is, and does without an answer."""
    yield
    while LOOKUP in reached_out:
        reached_out.remove(LOOKUP)


def rerank(service: Served, provider: str, **values: Any) -> Any:
    given = {"api_base": service.url, "api_key": KEY, "query": QUERY, "documents": DOCUMENTS}
    return litellm.rerank(f"{provider}/any", **given | values)


def order(answer: Any) -> list[int]:
    return [each["index"] for each in answer.results]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_results_are_all_documents_best_first(provider: str, service: Served) -> None:
    answer = rerank(service, provider)
    assert order(answer) == service.order()
    scores = [each["relevance_score"] for each in answer.results]
    assert scores == sorted(service.scores(), reverse=True)
    texts = [each["document"]["text"] for each in answer.results]
    assert texts == [DOCUMENTS[n] for n in service.order()]
    assert answer.id


@pytest.mark.parametrize("provider", [*PROVIDERS, "infinity"])
def test_top_n_cuts_results_and_documents_stay_away(provider: str, service: Served) -> None:
    answer = rerank(service, provider, top_n=2, return_documents=False)
    assert order(answer) == service.order()[:2]
    assert "document" not in answer.results[0]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_instruction_is_tolerated(provider: str, service: Served) -> None:
    answer = rerank(service, provider, instruction="newest first", nobody_knows_this="x")
    assert order(answer) == service.order()


@pytest.mark.parametrize("provider", TELL_WHEN)
def test_tokens_are_counted(provider: str, service: Served) -> None:
    assert rerank(service, provider).meta["billed_units"]["total_tokens"] > 0


def test_version_1_of_cohere_is_spoken_where_it_is_asked_for(service: Served) -> None:
    objects = [{"title": "cat", "text": ""}, {"title": "wing", "text": "lift"}]
    answer = rerank(
        service,
        "cohere",
        documents=objects,
        rank_fields=["title", "text"],
        max_chunks_per_doc=10,
    )
    assert answer.meta["api_version"]["version"] == "1" and order(answer) == [1, 0]


@pytest.mark.parametrize("provider", ["cohere", "hosted_vllm"])
def test_the_asynchronous_way_gets_the_same(provider: str, service: Served) -> None:
    asked = litellm.arerank(f"{provider}/any", QUERY, DOCUMENTS, api_base=service.url, api_key=KEY)
    assert order(asyncio.run(asked)) == service.order()


def test_huggingface_refuses_long_documents_where_others_cut_them(service: Served) -> None:
    """It asks that nothing be cut."""
    long = ["wing " * 600, "lift"]
    assert len(order(rerank(service, "hosted_vllm", documents=long))) == 2
    with pytest.raises(litellm.APIError, match="at 0 have more than 512"):
        rerank(service, "huggingface", documents=long)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_key_is_an_authentication_error(provider: str, service: Served) -> None:
    with pytest.raises(litellm.AuthenticationError, match="Authorization: Bearer KEY"):
        rerank(service, provider, api_key="wrong")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_cannot_be_run_is_422_and_says_why(provider: str, service: Served) -> None:
    with pytest.raises((litellm.BadRequestError, litellm.APIError), match="top_[nk]: ") as error:
        rerank(service, provider, top_n=-1)
    assert error.value.status_code == 422


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_full_service_is_a_rate_limit_error(provider: str, service: Served) -> None:
    with service.full(), pytest.raises(litellm.RateLimitError, match="in flight") as error:
        rerank(service, provider)
    if provider in TELL_WHEN:
        assert error.value.litellm_response_headers["retry-after"] == "1"


def test_the_router_asks_a_full_service_again_after_what_it_says(service: Served) -> None:
    given = {"model": "hosted_vllm/any", "api_base": service.url, "api_key": KEY}
    router = litellm.Router([{"model_name": "ours", "litellm_params": given}], num_retries=2)
    started = time.monotonic()
    with service.full_until_refused():
        answer = asyncio.run(router.arerank(model="ours", query=QUERY, documents=DOCUMENTS))
    assert order(answer) == service.order() and time.monotonic() - started >= 1
