"""Queries that OpenSearch has encoded on their way in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from .books import Books, hits, ids, latent_query

pytestmark = pytest.mark.engine

TEXT = "blue sea sea"
Query = Callable[[dict[str, Any]], dict[str, Any]]
PLACES: dict[str, Query] = {
    "alone": lambda latent: latent,
    "beside the words": lambda latent: {
        "bool": {"should": [{"match": {"title": TEXT}}, latent], "filter": {"term": {"kind": "b"}}}
    },
    "before the words": lambda latent: {"bool": {"should": [latent, {"match": {"title": TEXT}}]}},
    "deep inside": lambda latent: {
        "bool": {"must": {"dis_max": {"queries": [{"bool": {"should": [latent]}}]}}}
    },
    "in a score function": lambda latent: {
        "function_score": {"query": latent, "functions": [{"weight": 2}]}
    },
}


def match(shelf: Books, text: str, **more: Any) -> dict[str, Any]:
    return {"match": {shelf.names.field: {"query": text, **more}}}


@pytest.mark.parametrize("place", PLACES)
def test_a_text_for_the_latent_field_is_searched_by_its_terms(shelf: Books, place: str) -> None:
    asked = PLACES[place](match(shelf, TEXT, boost=0.6))
    by_hand = PLACES[place](match(shelf, latent_query(TEXT), boost=0.6))
    found = hits(shelf.search({"query": asked}, shelf.names.base))
    assert found and found == hits(shelf.search({"query": by_hand}))


@pytest.mark.parametrize(
    "text", ['{"sea": "sky"}', '["sea"]', 'the "sea" \\ \n é', "sea ${parameters.input}", "7", ""]
)
def test_any_text_can_be_asked_for(shelf: Books, text: str) -> None:
    found = shelf.search({"query": match(shelf, text)}, shelf.names.base)
    assert hits(found) == hits(shelf.search({"query": match(shelf, latent_query(text))}))


def test_the_rest_of_the_request_stays_as_it_is(shelf: Books) -> None:
    def request(text: str) -> dict[str, Any]:
        return {
            "query": {"bool": {"should": [{"match": {"title": TEXT}}, match(shelf, text)]}},
            "size": 2,
            "from": 1,
            "aggs": {"kinds": {"terms": {"field": "kind"}}},
            "highlight": {"fields": {"title": {}}},
            "sort": [{"kind": "asc"}, "_score"],
            "_source": ["title"],
            "explain": True,
        }

    asked = shelf.search(request(TEXT), shelf.names.base)
    by_hand = shelf.search(request(latent_query(TEXT)))
    assert asked["hits"] == by_hand["hits"] and len(asked["hits"]["hits"]) == 2
    assert asked["aggregations"] == by_hand["aggregations"]


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"match": {"title": "sea"}}},
        {"query": {"match_all": {}}},
        {"size": 0, "aggs": {"kinds": {"terms": {"field": "kind"}}}},
        {},
    ],
    ids=json.dumps,
)
def test_a_request_that_asks_nothing_of_the_field_is_not_touched(
    shelf: Books, body: dict[str, Any]
) -> None:
    asked, plain = shelf.search(body, shelf.names.base), shelf.search(body)
    assert asked["hits"] == plain["hits"]
    assert asked.get("aggregations") == plain.get("aggregations")


def test_a_name_tells_which_hits_the_terms_have_found(shelf: Books) -> None:
    should = [{"match": {"kind": "b"}}, match(shelf, TEXT, _name="latent")]
    answer = shelf.search({"query": {"bool": {"should": should}}}, shelf.names.base)
    named = {hit["_id"]: hit.get("matched_queries", []) for hit in answer["hits"]["hits"]}
    assert named["1"] == ["latent"] and named["3"] == []


def test_the_alias_of_the_field_is_not_encoded_because_it_may_lead_elsewhere(shelf: Books) -> None:
    found = shelf.search({"query": {"match": {"latent_terms": TEXT}}}, shelf.names.base)
    assert ids(found) == []
