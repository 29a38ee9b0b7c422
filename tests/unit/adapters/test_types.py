"""Schemas and requests that contradict themselves."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import AnyOf, Range, Schema, SearchRequest
from adapters.errors import QueryRejected, SchemaRejected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": ()}, "at least one text field"),
        ({"text": "title"}, "tuple of names, not 'title'"),
        ({"text": ["title"]}, "tuple of names"),
        ({"keyword": ("title",)}, "'title' is listed twice"),
        ({"text": ("a", "a")}, "'a' is listed twice"),
        ({"keyword": ("_id",)}, "'_id' is not a usable name"),
        ({"keyword": ("a b",)}, "'a b'"),
        ({"number": ("a..b",)}, "'a..b'"),
        ({"number": (".b",)}, "'.b'"),
        ({"text": ("x" * 256,)}, "at most 255"),
        ({"number": ("",)}, "''"),
        ({"date": (7,)}, "7"),
        ({"keyword": ("latent_terms_3f9a1c",)}, "reserved"),
        ({"analyzer": "klingon"}, "'klingon': choose standard or english"),
        ({"fingerprint": "MODEL"}, "'MODEL' is not 6 to 64"),
        ({"fingerprint": "abc"}, "'abc'"),
    ],
)
def test_a_schema_that_is_not_valid_says_why(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaRejected, match=message):
        Schema(**{"text": ("title",), **options})


def test_the_field_of_the_latent_terms_is_named_after_the_model() -> None:
    assert Schema(("a",), fingerprint="3f9a1c0b77de").terms_field == "latent_terms_3f9a1c"
    assert Schema(("a",)).terms_field is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": -1}, "size -1"),
        ({"size": 2.5}, "size 2.5"),
        ({"size": True}, "size True"),
        ({"offset": -1}, "offset -1"),
        ({"size": 10_001}, "size 10001 . offset 0 is more than 10000"),
        ({"size": 10, "offset": 9_991}, "size 10 . offset 9991"),
        ({"lexical_weight": -0.5}, "lexical_weight -0.5"),
        ({"latent_weight": float("nan")}, "latent_weight nan"),
        ({"latent_weight": float("inf")}, "latent_weight inf"),
        ({"latent_weight": "1"}, "latent_weight '1'"),
        ({"text": 7}, "text is a string, not 7"),
    ],
)
def test_a_request_that_is_not_valid_says_why(options: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryRejected, match=message):
        SearchRequest(**options)


def test_the_deepest_page_is_allowed() -> None:
    assert SearchRequest(size=10, offset=9_990).offset == 9_990


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({}, "no bound"),
        ({"gte": 1, "gt": 1}, "gte or gt, not both"),
        ({"lte": "2024-01-01", "lt": "2024-01-01"}, "lte or lt, not both"),
    ],
)
def test_a_range_that_contradicts_itself_says_why(bounds: dict[str, Any], message: str) -> None:
    with pytest.raises(QueryRejected, match=message):
        Range("year", **bounds)


@pytest.mark.parametrize("values", ["red", ["red"], (1,), None])
def test_the_values_of_a_keyword_filter_are_a_tuple_of_strings(values: Any) -> None:
    with pytest.raises(QueryRejected, match="'tag': values are a tuple of strings"):
        AnyOf("tag", values)
