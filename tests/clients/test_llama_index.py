"""LlamaIndex's postprocessors for text-embeddings-inference and for Cohere."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cohere.errors import TooManyRequestsError, UnauthorizedError, UnprocessableEntityError
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.cohere_rerank import CohereRerank
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

from .served import DOCUMENTS, KEY, QUERY, Served


def nodes() -> list[NodeWithScore]:
    return [
        NodeWithScore(node=TextNode(text=text, id_=f"id-{n}"), score=0.5)
        for n, text in enumerate(DOCUMENTS)
    ]


def tei(service: Served, **values: Any) -> TextEmbeddingInference:
    given = {"base_url": service.url, "auth_token": f"Bearer {KEY}", "top_n": len(DOCUMENTS)}
    return TextEmbeddingInference(**given | values)


def cohere(service: Served, **values: Any) -> CohereRerank:
    given = {"base_url": service.url, "api_key": KEY, "top_n": len(DOCUMENTS)}
    return CohereRerank(**given | values)


BOTH = pytest.mark.parametrize("make", [tei, cohere])


@BOTH
def test_nodes_come_back_best_first_with_id_and_score(make: Any, service: Served) -> None:
    found = make(service).postprocess_nodes(nodes(), query_str=QUERY)
    assert [each.node_id for each in found] == [f"id-{n}" for n in service.order()]
    assert [each.score for each in found] == sorted(service.scores(), reverse=True)


@BOTH
def test_top_n_cuts_nodes(make: Any, service: Served) -> None:
    found = make(service, top_n=2).postprocess_nodes(nodes(), query_str=QUERY)
    assert [each.node_id for each in found] == [f"id-{n}" for n in service.order()[:2]]


def test_the_key_may_come_bare_and_from_a_function(service: Served) -> None:
    for token in (KEY, lambda url: f"Bearer {KEY}" if url == service.url else "wrong"):
        found = tei(service, auth_token=token).postprocess_nodes(nodes(), query_str=QUERY)
        assert found[0].node_id == f"id-{service.order()[0]}"


def test_nodes_that_all_score_zero_keep_their_order(service: Served) -> None:
    found = tei(service).postprocess_nodes(nodes(), query_str=" ")
    assert [each.score for each in found] == [0.0] * len(DOCUMENTS)
    assert [each.node_id for each in found] == [f"id-{n}" for n in range(len(DOCUMENTS))]


def test_the_tei_postprocessor_looks_at_no_status_and_fails_without_a_reason(
    service: Served,
) -> None:
    """It takes any answer for a list of scores. The service's log has the reason, by request id."""
    with pytest.raises(AssertionError):
        tei(service, auth_token="wrong").postprocess_nodes(nodes(), query_str=QUERY)
    with pytest.raises(TypeError):  # there are four fields in the body of an error
        tei(service, auth_token="wrong").postprocess_nodes(nodes()[:4], query_str=QUERY)
    with service.full(), pytest.raises(AssertionError):
        tei(service).postprocess_nodes(nodes(), query_str=QUERY)


def test_the_cohere_postprocessor_says_that_the_key_is_wrong(service: Served) -> None:
    with pytest.raises(UnauthorizedError) as error:
        cohere(service, api_key="wrong").postprocess_nodes(nodes(), query_str=QUERY)
    assert "Authorization: Bearer KEY" in error.value.body["message"]


def test_the_cohere_postprocessor_says_what_cannot_be_run(service: Served) -> None:
    with pytest.raises(UnprocessableEntityError) as error:
        cohere(service, top_n=-1).postprocess_nodes(nodes(), query_str=QUERY)
    assert error.value.body["message"].startswith("top_n: ")


def test_the_cohere_postprocessor_asks_a_full_service_again(service: Served) -> None:
    started = time.monotonic()
    with service.full_until_refused():
        assert cohere(service).postprocess_nodes(nodes(), query_str=QUERY)
    assert time.monotonic() - started >= 1


def test_a_service_that_stays_full_is_too_many_requests(service: Served) -> None:
    with service.full(), pytest.raises(TooManyRequestsError) as error:
        cohere(service).postprocess_nodes(nodes(), query_str=QUERY)
    assert error.value.headers["retry-after"] == "1"
