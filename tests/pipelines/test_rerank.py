"""Hits that OpenSearch has reranked on their way out."""

from __future__ import annotations

from typing import Any

import pytest

from ..clients.served import Served
from .books import TITLES, Books, hits, ids, latent_query

pytestmark = pytest.mark.engine

TEXT = "sky and sea"


def request(shelf: Books, latent: str, **more: Any) -> dict[str, Any]:
    matches = [{"match": {"title": TEXT}}, {"match": {shelf.names.field: {"query": latent}}}]
    return {"query": {"bool": {"should": matches}}, **more}


def first_stage(shelf: Books, text: str = TEXT, **more: Any) -> list[tuple[str, float]]:
    return hits(shelf.search(request(shelf, latent_query(text), **more)))


def scores(service: Served, text: str, titles: list[str]) -> list[float]:
    body = {"query": text, "documents": titles}
    found: list[float] = service.http.post("/v1/rerank", json=body).json()["scores"]
    return found


def test_the_hits_of_words_and_terms_are_in_the_order_of_the_sidecar(
    shelf: Books, service: Served
) -> None:
    found = hits(shelf.search(request(shelf, TEXT), shelf.names.reranking))
    titles = [TITLES[id] for id, _ in found]
    assert [score for _, score in found] == pytest.approx(scores(service, TEXT, titles))
    assert found == sorted(found, key=lambda hit: -hit[1])
    assert {id for id, _ in found} == {id for id, _ in first_stage(shelf)}
    assert found[0][0] == "4"


def test_more_hits_are_reranked_than_are_returned(shelf: Books) -> None:
    body = {"query": {"bool": {"must": [{"match_all": {}}], "should": [
        {"match": {shelf.names.field: {"query": TEXT, "boost": 0.0}}}
    ]}}, "size": 1}  # fmt: skip
    assert ids(shelf.search(body)) == ["1"]
    assert ids(shelf.search(body, shelf.names.reranking)) == ["4"]


def test_text_in_several_fields_is_put_together(shelf: Books, service: Served) -> None:
    shelf.bulk({"two": {"title": "rough", "about": {"body": "weather at sea"}}}, refresh=True)
    try:
        body = request(shelf, TEXT)
        body["query"]["bool"]["filter"] = {"ids": {"values": ["two"]}}
        ((_, score),) = hits(shelf.search(body, shelf.names.reranking))
        assert [score] == pytest.approx(scores(service, TEXT, ["roughweather at sea"]))
    finally:
        shelf.cluster.request("DELETE", f"/{shelf.index}/_doc/two", params={"refresh": True})


@pytest.mark.parametrize(
    ("text", "more"),
    [('{"json": "sea"}', {}), ("sky and sea", {"from": 1000}), ("sky and sea", {"size": 0})],
)
def test_what_cannot_be_reranked_keeps_its_order(
    shelf: Books, text: str, more: dict[str, Any]
) -> None:
    found = shelf.search(request(shelf, text, **more), shelf.names.reranking)
    assert hits(found) == first_stage(shelf, text, **more)


def test_a_request_that_asks_nothing_of_the_field_keeps_its_order(shelf: Books) -> None:
    body = {"query": {"match": {"title": TEXT}}}
    assert hits(shelf.search(body, shelf.names.reranking)) == hits(shelf.search(body))


def test_a_request_that_brings_its_own_text_to_rerank_by_is_not_encoded(shelf: Books) -> None:
    """OpenSearch writes `ext.rerank` down in a form that it does not read: our text goes in after
    that, where the request has none."""
    ext = {"ext": {"rerank": {"query_context": {"query_text": TEXT}}}}
    body = {"query": {"match": {shelf.names.field: TEXT}}}
    assert len(ids(shelf.search(body, shelf.names.reranking))) > 1
    assert ids(shelf.search(body | ext, shelf.names.reranking)) == []


def test_the_cluster_counts_what_could_not_be_reranked(shelf: Books) -> None:
    def failed() -> int:
        nodes = shelf.cluster.request("GET", "/_nodes/stats/search_pipeline").body["nodes"]
        (node,) = nodes.values()
        pipeline = node["search_pipeline"]["pipelines"][shelf.names.reranking]
        (stats,) = (p["rerank"] for p in pipeline["response_processors"] if "rerank" in p)
        return int(stats["stats"]["failed"])

    before = failed()
    shelf.search(request(shelf, TEXT), shelf.names.reranking)
    assert failed() == before
    shelf.search({"query": {"match": {"title": TEXT}}}, shelf.names.reranking)
    assert failed() > before
