"""Elasticsearch with a trial licence, which calls the sidecar by its inference API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters import EngineError
from adapters.pipelines.elasticsearch import endpoints
from adapters.server.cluster import Cluster

from ..clients.served import KEY, Served
from .books import ENCODER, TITLES, Books, books, hits, latent_query, sidecar_of

pytestmark = pytest.mark.engine

AUTHORIZATION = {"Authorization": "Bearer ${api_key}", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def shelf(elasticsearch: Cluster, service: Served) -> Iterator[Books]:
    with books(elasticsearch) as shelf:
        shelf.setup.install(shelf.wanted(sidecar_of(service)), attach=False)
        shelf.bulk({id: {"title": title} for id, title in TITLES.items()}, refresh=True)
        yield shelf


@pytest.fixture
def by_hand(shelf: Books) -> Iterator[Any]:
    """Puts up an endpoint of the service `custom`, as users may, and asks it."""
    made: list[str] = []

    def ask(task: str, service: Served, path: str, settings: dict[str, Any], body: Any) -> Any:
        endpoint = f"/_inference/{task}/{shelf.index}-by-hand"
        common = {"secret_parameters": {"api_key": KEY}, "url": f"{service.url}{path}"}
        settings = common | {"headers": AUTHORIZATION} | settings
        put = {"service": "custom", "service_settings": settings}
        made.append(endpoint)
        shelf.cluster.request("PUT", endpoint, body=put)
        return shelf.cluster.request("POST", endpoint, body=body).body

    yield ask
    for endpoint in made:
        shelf.cluster.request("DELETE", endpoint, accept=(404,))


def ask(shelf: Books, task: str, body: dict[str, Any]) -> Any:
    endpoint = shelf.names.endpoints[task]  # type: ignore[index]
    return shelf.cluster.request("POST", f"/_inference/{task}/{endpoint}", body=body).body[task]


@pytest.mark.parametrize("text", ["blue sea sea", '{"a": "sea"}', "[1, 2]", 'say "hi" \\ \n é', ""])
def test_a_query_is_encoded(shelf: Books, text: str) -> None:
    assert ask(shelf, "completion", {"input": text}) == [{"result": latent_query(text)}]


def test_documents_get_the_scores_of_the_sidecar(shelf: Books, service: Served) -> None:
    texts = ["the sea", "a ${HOME} at sea", "", '{"sea": 1}', "nothing"]
    body = {"query": "the sea", "documents": texts}
    scores = service.http.post("/v1/rerank", json=body).json()["scores"]
    found = ask(shelf, "rerank", {"query": "the sea", "input": texts})
    assert {item["index"]: item["relevance_score"] for item in found} == pytest.approx(
        dict(enumerate(scores))
    )


@pytest.mark.parametrize("service_name", ["hugging_face", "custom"])
def test_hits_are_reranked(shelf: Books, service: Served, by_hand: Any, service_name: str) -> None:
    endpoint = shelf.names.endpoints["rerank"]
    if service_name == "custom":
        endpoint = f"{shelf.index}-by-hand"
        parser = {
            "reranked_index": "$.results[*].index",
            "relevance_score": "$.results[*].relevance_score",
        }
        settings = {
            "request": '{"query": ${query}, "documents": ${input}}',
            "response": {"json_parser": parser},
        }
        by_hand("rerank", service, "/v1/rerank", settings, {"query": "a", "input": ["a"]})
    reranker = {
        "retriever": {"standard": {"query": {"match": {"title": "sky sea the"}}}},
        "field": "title",
        "inference_id": endpoint,
        "inference_text": "sky and sea",
        "rank_window_size": 50,
    }
    found = hits(shelf.search({"retriever": {"text_similarity_reranker": reranker}}))
    assert found[0][0] == "4"
    body = {"query": "sky and sea", "documents": [TITLES[id] for id, _ in found]}
    scores = service.http.post("/v1/rerank", json=body).json()["scores"]
    assert len(found) == 4 and scores == sorted(scores, reverse=True)


def test_another_model_than_the_wanted_one_is_refused(
    shelf: Books, service: Served, by_hand: Any
) -> None:
    settings = endpoints(shelf.wanted(sidecar_of(service)))["completion"]["service_settings"]
    other = settings["request"].replace(ENCODER.fingerprint, "3f9a1c0b77de")
    with pytest.raises(EngineError, match="3f9a1c0b77de.*this service runs"):
        by_hand("completion", service, "/v1/encode", settings | {"request": other}, {"input": "a"})


def test_sparse_embeddings_are_terms_and_frequencies(
    shelf: Books, service: Served, by_hand: Any
) -> None:
    parser = {
        "token_path": "$.data[*].embedding[*].token",
        "weight_path": "$.data[*].embedding[*].weight",
    }
    settings = {
        "request": '{"input": ${input}, "input_type": ${input_type}, "format": "sparse"}',
        "response": {"json_parser": parser},
        "input_type": {"translation": {"ingest": "document", "search": "query"}, "default": ""},
    }
    texts = ["sea sea sky", "blue"]
    found = by_hand("sparse_embedding", service, "/v1/encode", settings, {"input": texts})
    expected = [dict(terms) for terms in ENCODER.encode_documents(texts)]
    assert [item["embedding"] for item in found["sparse_embedding"]] == expected
