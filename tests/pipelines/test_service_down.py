"""The sidecar is gone, and the engines go on without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.pipelines.opensearch import ingest_pipeline
from adapters.pipelines.pipelines import Sidecar
from adapters.server.cluster import Cluster

from ..clients.served import served
from .books import TITLES, Books, books, hits, sidecar_of

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def orphans(opensearch: Cluster, elasticsearch: Cluster) -> Iterator[tuple[Books, Books]]:
    """In OpenSearch and in Elasticsearch: installed, filled, and then left alone."""
    with books(opensearch) as one, books(elasticsearch) as other:
        with served() as service:
            one.setup.install(one.wanted(sidecar_of(service)), attach=True)
            other.setup.install(other.wanted(sidecar_of(service)), attach=False)
            for shelf in (one, other):
                shelf.bulk({id: {"title": title} for id, title in TITLES.items()}, refresh=True)
        yield one, other


@pytest.fixture
def opensearch_orphan(orphans: tuple[Books, Books]) -> Books:
    return orphans[0]


@pytest.fixture
def elasticsearch_orphan(orphans: tuple[Books, Books]) -> Books:
    return orphans[1]


def test_opensearch_finds_by_words_in_their_own_order(opensearch_orphan: Books) -> None:
    shelf = opensearch_orphan
    words = {"match": {"title": "sea sky"}}
    body = {"query": {"bool": {"should": [words, {"match": {shelf.names.field: "sea sky"}}]}}}
    for pipeline in (shelf.names.base, shelf.names.reranking):
        assert hits(shelf.search(body, pipeline)) == hits(shelf.search({"query": words}))


def test_opensearch_shows_a_text_that_was_not_encoded_and_counts_no_failure(
    opensearch_orphan: Books,
) -> None:
    """It calls the step a success; what shows it is the text that is still in the request."""
    shelf = opensearch_orphan
    path = f"/{shelf.index}/_search"
    params = {"search_pipeline": shelf.names.base, "verbose_pipeline": True}
    body = {"query": {"match": {shelf.names.field: {"query": "sea", "_name": "latent"}}}}
    answer = shelf.cluster.request("POST", path, params=params, body=body).body
    (encoding,) = answer["processor_results"]
    assert encoding["status"] == "success"
    assert encoding["output_data"]["query"]["match"][shelf.names.field]["query"] == "sea"
    assert hits(answer) == []


def test_opensearch_refuses_documents_and_says_why(opensearch_orphan: Books) -> None:
    (outcome,) = opensearch_orphan.bulk({"7": {"title": "refused"}})
    assert outcome["status"] == 500
    assert "Connection refused" in outcome["error"]["reason"]


def test_opensearch_stores_documents_without_terms_where_that_was_asked_for(
    opensearch_orphan: Books,
) -> None:
    shelf = opensearch_orphan
    (documents,) = [part.id for part in shelf.setup.installed().parts if part.kind == "model"][:1]
    wanted = shelf.wanted(Sidecar("http://127.0.0.1:9"), skip_failures=True)
    body = ingest_pipeline(wanted, str(documents))
    shelf.cluster.request("PUT", f"/_ingest/pipeline/{shelf.names.base}-skip", body=body)
    try:
        source = {"title": "stored"}
        (outcome,) = shelf.bulk({"8": source}, pipeline=f"{shelf.names.base}-skip")
        assert outcome["status"] == 201
        assert shelf.source("8") == source
    finally:
        shelf.cluster.request("DELETE", f"/_ingest/pipeline/{shelf.names.base}-skip")


def reranked(shelf: Books, **more: Any) -> dict[str, Any]:
    endpoints = shelf.names.endpoints
    reranker = {
        "retriever": {"standard": {"query": {"match": {"title": "sea sky"}}}},
        "field": "title",
        "inference_id": endpoints["rerank"],
        "inference_text": "sea sky",
        **more,
    }
    return {"retriever": {"text_similarity_reranker": reranker}}


def test_elasticsearch_keeps_the_order_where_the_search_allows_it(
    elasticsearch_orphan: Books,
) -> None:
    shelf = elasticsearch_orphan
    found = shelf.search(reranked(shelf, allow_rerank_failures=True))
    words = shelf.search({"query": {"match": {"title": "sea sky"}}})
    assert [id for id, _ in hits(found)] == [id for id, _ in hits(words)]


def test_elasticsearch_fails_the_search_where_it_does_not(elasticsearch_orphan: Books) -> None:
    shelf = elasticsearch_orphan
    path = f"/{shelf.index}/_search"
    answer = shelf.cluster.request("POST", path, body=reranked(shelf), accept=(500, 502, 503))
    assert not answer.ok and "Connection refused" in str(answer.body)
