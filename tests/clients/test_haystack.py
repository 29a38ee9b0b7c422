"""Haystack's rankers for text-embeddings-inference and for Cohere, alone and in a pipeline."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from cohere.errors import TooManyRequestsError, UnauthorizedError, UnprocessableEntityError
from haystack import Document, Pipeline
from haystack.utils import Secret
from haystack_integrations.components.rankers.cohere import CohereRanker
from haystack_integrations.components.rankers.huggingface_api import (
    HuggingFaceTEIRanker,
    TruncationDirection,
)

from .served import DOCUMENTS, KEY, QUERY, Served

RIGHT, WRONG = Secret.from_token(KEY), Secret.from_token("wrong")


def documents() -> list[Document]:
    return [
        Document(id=f"id-{n}", content=text, meta={"page": n}) for n, text in enumerate(DOCUMENTS)
    ]


def tei(service: Served, *, key: Secret = RIGHT, **values: Any) -> HuggingFaceTEIRanker:
    return HuggingFaceTEIRanker(url=service.url, token=key, **values)


def cohere(service: Served, *, key: Secret = RIGHT, **values: Any) -> CohereRanker:
    return CohereRanker(api_base_url=service.url, api_key=key, **values)


BOTH = pytest.mark.parametrize("make", [tei, cohere])


@BOTH
def test_documents_come_back_best_first_with_id_and_score(make: Any, service: Served) -> None:
    found = make(service).run(query=QUERY, documents=documents())["documents"]
    assert [each.id for each in found] == [f"id-{n}" for n in service.order()]
    assert [each.meta["page"] for each in found] == service.order()
    assert [each.score for each in found] == sorted(service.scores(), reverse=True)


@BOTH
def test_top_k_cuts_documents(make: Any, service: Served) -> None:
    wanted = [f"id-{n}" for n in service.order()[:2]]
    found = make(service, top_k=2).run(query=QUERY, documents=documents())["documents"]
    assert [each.id for each in found] == wanted
    found = make(service).run(query=QUERY, documents=documents(), top_k=2)["documents"]
    assert [each.id for each in found] == wanted


@BOTH
def test_the_asynchronous_way_gets_the_same(make: Any, service: Served) -> None:
    found = asyncio.run(make(service).run_async(query=QUERY, documents=documents()))["documents"]
    assert [each.id for each in found] == [f"id-{n}" for n in service.order()]


@BOTH
def test_both_work_in_a_pipeline_that_was_written_down(
    make: Any, service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANK_KEY", KEY)
    pipeline = Pipeline()
    pipeline.add_component("ranker", make(service, key=Secret.from_env_var("RERANK_KEY"), top_k=1))
    again = Pipeline.loads(pipeline.dumps())
    found = again.run({"ranker": {"query": QUERY, "documents": documents()}})["ranker"]["documents"]
    assert [each.id for each in found] == [f"id-{service.order()[0]}"]


def test_the_tei_ranker_gets_raw_scores_and_long_documents_cut(service: Served) -> None:
    found = tei(service, raw_scores=True, top_k=1).run(query=QUERY, documents=documents())
    assert found["documents"][0].score == max(service.scores(raw_scores=True))
    long = [Document(content="wing " * 600), Document(content="cat")]
    cut = tei(service).run(
        query=QUERY, documents=long, truncation_direction=TruncationDirection.RIGHT
    )
    assert cut["documents"][0].content == "wing " * 600


def test_the_cohere_ranker_ranks_metadata_too(service: Served) -> None:
    found = cohere(service, meta_fields_to_embed=["title"]).run(
        query=QUERY,
        documents=[Document(content="cat"), Document(content="", meta={"title": QUERY})],
    )
    assert [each.meta for each in found["documents"]] == [{"title": QUERY}, {}]


def test_the_tei_ranker_says_that_the_key_is_wrong(service: Served) -> None:
    with pytest.raises(RuntimeError, match="(?s)401 Unauthorized.*Authorization: Bearer KEY"):
        tei(service, key=WRONG).run(query=QUERY, documents=documents())


def test_the_tei_ranker_says_what_cannot_be_run(service: Served) -> None:
    with pytest.raises(RuntimeError, match='(?s)422 .*"error":"query: '):
        tei(service).run(query=5, documents=documents())


def test_the_cohere_ranker_says_that_the_key_is_wrong(service: Served) -> None:
    with pytest.raises(UnauthorizedError) as error:
        cohere(service, key=WRONG).run(query=QUERY, documents=documents())
    assert "Authorization: Bearer KEY" in error.value.body["message"]


def test_the_cohere_ranker_says_what_cannot_be_run(service: Served) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        cohere(service, max_tokens_per_doc=0).run(query=QUERY, documents=documents())
    assert error.value.body["message"].startswith("max_tokens_per_doc: ")


@BOTH
def test_both_ask_a_full_service_again(make: Any, service: Served) -> None:
    started = time.monotonic()
    with service.full_until_refused():
        assert make(service).run(query=QUERY, documents=documents())["documents"]
    assert time.monotonic() - started >= 1


def test_a_service_that_stays_full_is_too_many_requests(service: Served) -> None:
    with service.full():
        with pytest.raises(RuntimeError, match="(?s)429 Too Many Requests.*in flight"):
            tei(service, max_retries=1).run(query=QUERY, documents=documents())
        with pytest.raises(TooManyRequestsError) as error:
            cohere(service).run(query=QUERY, documents=documents())
    assert error.value.headers["retry-after"] == "1"
