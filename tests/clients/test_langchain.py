"""LangChain's CohereRerank, which asks through Cohere's second client."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from cohere.errors import TooManyRequestsError, UnauthorizedError, UnprocessableEntityError
from langchain_cohere import CohereRerank
from langchain_core.documents import Document

from .served import DOCUMENTS, KEY, QUERY, Served


def reranker(service: Served, **values: Any) -> CohereRerank:
    return CohereRerank(
        **{"base_url": service.url, "cohere_api_key": KEY, "model": "any", "top_n": None} | values
    )


def documents() -> list[Document]:
    return [
        Document(text, id=f"id-{n}", metadata={"source": f"page {n}"})
        for n, text in enumerate(DOCUMENTS)
    ]


def test_documents_come_back_best_first_with_score_and_metadata(service: Served) -> None:
    found = reranker(service).compress_documents(documents(), QUERY)
    assert [each.page_content for each in found] == [DOCUMENTS[n] for n in service.order()]
    assert [each.metadata["source"] for each in found] == [f"page {n}" for n in service.order()]
    scores = [each.metadata["relevance_score"] for each in found]
    assert scores == sorted(service.scores(), reverse=True)


def test_top_n_cuts_documents(service: Served) -> None:
    found = reranker(service, top_n=2).compress_documents(documents(), QUERY)
    assert [each.page_content for each in found] == [DOCUMENTS[n] for n in service.order()[:2]]


def test_rerank_takes_strings_and_objects_and_gives_positions(service: Served) -> None:
    objects = [{"title": "cat"}, {"title": "wing lift", "year": 1903}]
    found = reranker(service).rerank(objects, QUERY, rank_fields=["title"])
    assert [each["index"] for each in found] == [1, 0]
    texts = ["cat wing lift", "wing"]
    found = reranker(service).rerank(texts, QUERY, top_n=1, max_tokens_per_doc=1)
    assert found == [{"index": 1, "relevance_score": service.scores(texts)[1]}]


def test_the_asynchronous_way_gets_the_same(service: Served) -> None:
    found = asyncio.run(reranker(service, top_n=1).acompress_documents(documents(), QUERY))
    assert [each.page_content for each in found] == [DOCUMENTS[service.order()[0]]]


def test_a_wrong_key_is_unauthorized(service: Served) -> None:
    with pytest.raises(UnauthorizedError) as error:
        reranker(service, cohere_api_key="wrong").compress_documents(documents(), QUERY)
    assert "Authorization: Bearer KEY" in error.value.body["message"]


def test_what_cannot_be_run_is_unprocessable_and_says_why(service: Served) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        reranker(service, top_n=-1).compress_documents(documents(), QUERY)
    assert error.value.body["message"].startswith("top_n: ")


def test_a_full_service_is_asked_again_after_what_it_says(service: Served) -> None:
    started = time.monotonic()
    with service.full_until_refused():
        assert reranker(service).compress_documents(documents(), QUERY)
    assert time.monotonic() - started >= 1


def test_a_service_that_stays_full_is_too_many_requests(service: Served) -> None:
    with service.full(), pytest.raises(TooManyRequestsError) as error:
        reranker(service).compress_documents(documents(), QUERY)
    assert error.value.headers["retry-after"] == "1"
