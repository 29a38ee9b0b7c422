"""The bodies that servers are sent: pure functions, shown as the JSON they make."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters import AnyOf, Document, Range, Schema, SearchRequest
from adapters.dialect.dialect import Dialect, spell
from adapters.dialect.documents import delete_action, index_action, prepare_for_server
from adapters.dialect.mapping import mapping_update, new_index
from adapters.dialect.meta import LatentField
from adapters.dialect.query import parts_of, search_body
from adapters.dialect.schema import Described, describe
from adapters.request import DEFAULT_FIRST_TERMS
from adapters.values import at

OPENSEARCH = Dialect("opensearch", (3, 6, 0))
ELASTICSEARCH = Dialect("elasticsearch", (9, 4, 3))
SCHEMA = Schema(
    text=("title", "text"), keyword=("lang",), date=("day",), fingerprint="3f9a1c0b77de"
)
FIELD = "latent_terms_3f9a1c"


def described(dialect: Dialect = ELASTICSEARCH) -> Described:
    """As it comes back from a server."""
    return describe(json.loads(json.dumps(new_index(dialect, SCHEMA)["mappings"])), "x")


def body_of(dialect: Dialect = ELASTICSEARCH, **options: Any) -> dict[str, Any]:
    request = SearchRequest(fingerprint=SCHEMA.fingerprint, **options)
    index = described(dialect)
    parts = parts_of(index, request, FIELD)
    return search_body(dialect, index, request, parts)


def test_terms_are_spelled_in_two_ways() -> None:
    assert spell({"t17": 2, "t3": 1}, "repeat") == "t17 t17 t3"
    assert spell({"t17": 2, "t3": 1}, "frequencies") == "t17|2 t3|1"
    assert spell({}, "repeat") == spell({}, "frequencies") == ""


@pytest.mark.parametrize("dialect", [OPENSEARCH, ELASTICSEARCH])
def test_a_new_index_describes_itself(dialect: Dialect) -> None:
    assert described(dialect).schema == SCHEMA


def test_only_opensearch_needs_analysis_settings() -> None:
    assert "settings" not in new_index(ELASTICSEARCH, SCHEMA)
    assert "analysis" in new_index(OPENSEARCH, SCHEMA)["settings"]
    assert "settings" not in new_index(OPENSEARCH, Schema(text=("title",)))


def test_an_update_of_the_mapping_holds_the_new_field_the_alias_and_the_whole_meta() -> None:
    field = LatentField("aaaaaa111111", None, "repeat", ("title",))
    mapping = {"_meta": {"owner": "shop"}, "properties": {"title": {"type": "text"}}}
    meta = describe(mapping, "x").meta.with_field(field)
    waiting = mapping_update(mapping, meta, field)
    assert waiting["properties"].keys() == {field.name}
    assert waiting["_meta"]["owner"] == "shop"
    active = mapping_update(mapping, meta.activated(field.name), field)
    assert active["properties"]["latent_terms"] == {"type": "alias", "path": field.name}


def test_one_request_holds_words_terms_and_filters() -> None:
    options: dict[str, Any] = {
        "text": "sea voyages",
        "fields": {"title": 2.0},
        "terms": {"t17": 3},
        "filters": (AnyOf("lang", ("en",)), Range("day", gt="2024-05-31")),
        "latent_weight": 0.5,
    }
    assert body_of(**options) == {
        "query": {
            "bool": {
                "should": [
                    {
                        "bool": {
                            "should": [
                                {"match": {"title": {"query": "sea voyages", "boost": 2.0}}}
                            ],
                            "_name": "latent-terms:words",
                        }
                    },
                    {
                        "bool": {
                            "should": [{"term": {FIELD: {"value": "t17", "boost": 1.5}}}],
                            "_name": "latent-terms:terms",
                        }
                    },
                ],
                "minimum_should_match": 1,
                "filter": [
                    {"terms": {"lang": ["en"]}},
                    {
                        "range": {
                            "day": {
                                "gt": "2024-05-31T23:59:59.999Z",
                                "format": "strict_date_optional_time",
                            }
                        }
                    },
                ],
            }
        },
        "size": 10,
        "from": 0,
        "track_total_hits": 10_000,
        "_source": {"excludes": [FIELD]},
    }


def test_terms_beyond_the_first_are_for_the_rescoring() -> None:
    body = body_of(terms={"t1": 1, "t2": 2, "t3": 3}, first_terms=1, rescore_window=77)
    matched = body["query"]["bool"]["should"][0]["bool"]["should"]
    rescored = body["rescore"]["query"]["rescore_query"]["bool"]["should"]
    assert [clause["term"][FIELD]["value"] for clause in matched] == ["t1"]
    assert [clause["term"][FIELD]["value"] for clause in rescored] == ["t2", "t3"]
    assert body["rescore"]["window_size"] == 77


def test_two_phases_are_the_default_where_hits_are_ranked_by_score() -> None:
    terms = {f"t{n}": 1 for n in range(30)}
    (rescored,) = _rescored(body_of(terms=terms))
    assert rescored == 30 - DEFAULT_FIRST_TERMS
    assert _rescored(body_of(terms=terms, first_terms=None)) == []
    for key in ("sort", "collapse", "min_score"):
        assert _rescored(body_of(terms=terms, body={key: {}})) == []


def _rescored(body: dict[str, Any]) -> list[int]:
    """How many terms are left for the rescoring, where there is one."""
    if "rescore" not in body:
        return []
    return [len(body["rescore"]["query"]["rescore_query"]["bool"]["should"])]


def test_parts_are_named_only_where_their_share_must_be_told() -> None:
    both = {"text": "sea", "terms": {"t1": 1, "t2": 1}}
    assert names(body_of(text="sea")) == names(body_of(terms={"t1": 1})) == [None]
    assert names(body_of(**both)) == ["latent-terms:words", "latent-terms:terms"]
    assert names(body_of(**both, first_terms=1)) == ["latent-terms:words", None]


def names(body: dict[str, Any]) -> list[str | None]:
    return [part["bool"].get("_name") for part in body["query"]["bool"]["should"]]


def test_where_keys_would_be_mixed_up_the_whole_source_is_asked_for() -> None:
    assert body_of(OPENSEARCH, text="x")["_source"] is True
    asked = body_of(OPENSEARCH, text="x", body={"_source": "title"})["_source"]
    assert asked == {"includes": ["title"], "excludes": [FIELD]}


def test_a_request_is_not_changed_by_what_is_made_of_it() -> None:
    own = {"query": {"bool": {"filter": [{"exists": {"field": "lang"}}]}}, "sort": ["lang"]}
    before = json.dumps(own)
    body_of(text="x", body=own)
    assert json.dumps(own) == before


def test_a_bulk_action_is_two_lines_of_ascii_safe_json() -> None:
    field = described(OPENSEARCH).meta.active_field
    document = Document("a\nb", {"title": "é\ud800\n"}, {"t1": 2})
    prepared = prepare_for_server(SCHEMA, document)
    action, source, end = index_action("x", prepared, field).lines.split(b"\n")
    assert json.loads(action) == {"index": {"_index": "x", "_id": "a\nb"}}
    assert json.loads(source) == {"title": "é\ud800\n", FIELD: "t1|2"}
    assert end == b""


def test_a_document_without_terms_has_no_latent_field_and_one_with_none_an_empty_one() -> None:
    field = described().meta.active_field
    for terms, source in ((None, {}), ({}, {FIELD: ""})):
        action = index_action("x", prepare_for_server(SCHEMA, Document("a", {}, terms)), field)
        assert json.loads(action.lines.splitlines()[1]) == source
    assert json.loads(delete_action("x", "a").lines) == {"delete": {"_index": "x", "_id": "a"}}


@pytest.mark.parametrize(
    ("source", "name", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": [1, [2]]}, "a", [1, [2]]),
        ({}, "a.b", None),
        ({"a": None}, "a.b", None),
        ({"a": 1}, "a.b", None),
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a": [{"b": 1}, {"c": 2}, {"b": [3, 4]}]}, "a.b", [1, 3, 4]),
        ({"a.b": 1, "a": {"b": 2}}, "a.b", [2, 1]),
        ({"a": {"b.c": 1}, "a.b": {"c": 2}, "a.b.c": 3}, "a.b.c", [1, 2, 3]),
        ({"a": {"b": {"c": 1}}}, "a.b", {"c": 1}),
    ],
)
def test_a_name_with_dots_leads_into_objects(source: Any, name: str, value: Any) -> None:
    assert at(source, name) == value
