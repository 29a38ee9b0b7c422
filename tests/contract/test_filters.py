"""Filters: exact keywords, ranges of numbers and dates, ids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters import AnyOf, Document, Engine, Range, Schema, SearchRequest, connect
from adapters.errors import QueryRejected

from .conftest import new_address

DOCUMENTS = [
    Document("a", {"title": "x", "tag": "Red Wine", "year": 1999, "seen": "2024-05-31"}),
    Document("b", {"title": "x", "tag": ["red", "blue"], "year": [2001, 2010.5]}),
    Document("c", {"title": "x", "tag": "", "year": -3, "seen": "2024-06-01T00:00:00.000001Z"}),
    Document("d", {"title": "x", "tag": None, "year": 0, "seen": ["0001-01-01", "9999-12-31"]}),
    Document("e", {"title": "x", "seen": "2024-05-31T23:59:59.999999+00:00"}),
    Document("f", {"title": "y", "tag": "red", "seen": "2024-06-01T01:30:00+02:00"}),
]


@pytest.fixture(scope="module")
def engine(place: str, schema: Schema) -> Iterator[Engine]:
    """Only read by the tests."""
    with new_address(place) as address, connect(address) as engine:
        engine.create(schema)
        engine.add(DOCUMENTS)
        engine.refresh()
        yield engine


def passing(engine: Engine, *filters: AnyOf | Range) -> str:
    return "".join(sorted(hit.id for hit in engine.search(SearchRequest(filters=filters)).hits))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("red",), "bf"),
        (("blue",), "b"),
        (("red", "blue", "nowhere"), "bf"),
        (("Red Wine",), "a"),
        (("Red",), ""),
        (("red wine",), ""),
        (("",), "c"),
        ((), ""),
    ],
)
def test_a_keyword_matches_as_a_whole(
    engine: Engine, values: tuple[str, ...], expected: str
) -> None:
    assert passing(engine, AnyOf("tag", values)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Range("year", gte=0), "abd"),
        (Range("year", gt=0), "ab"),
        (Range("year", lte=0), "cd"),
        (Range("year", lt=0), "c"),
        (Range("year", gte=1999, lte=1999), "a"),
        (Range("year", gt=2002, lt=2011), "b"),
        (Range("year", gt=2001, lt=2010.5), ""),
        (Range("year", gte=5000), ""),
    ],
)
def test_a_number_is_in_a_range(engine: Engine, condition: Range, expected: str) -> None:
    assert passing(engine, condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Range("seen", gte="2024-05-31", lte="2024-05-31"), "aef"),
        (Range("seen", gt="2024-05-31"), "cd"),
        (Range("seen", lt="2024-05-31"), "d"),
        (Range("seen", gte="2024-06-01"), "cd"),
        (Range("seen", lt="2024-06-01", gte="2000-01-01"), "aef"),
        (Range("seen", gte="2024-06-01T00:00:00.000001"), "cd"),
        (Range("seen", gt="2024-06-01T00:00:00.000001Z", lte="2025-01-01"), ""),
        (Range("seen", gt="2024-05-31T23:30:00Z", lte="2024-05-31"), "e"),
        (Range("seen", gte="2024-05-31T19:29:00-04:00", lte="2024-05-31T23:31:00Z"), "f"),
        (Range("seen", lte="0001-01-01"), "d"),
        (Range("seen", gte="9999-12-31"), "d"),
    ],
)
def test_a_date_is_in_a_range(engine: Engine, condition: Range, expected: str) -> None:
    assert passing(engine, condition) == expected


def test_ids_are_a_filter(engine: Engine) -> None:
    assert passing(engine, AnyOf("_id", ("c", "a", "nowhere"))) == "ac"


def test_all_filters_must_pass_and_do_not_score(engine: Engine) -> None:
    filters = (AnyOf("tag", ("red", "")), Range("year", lt=2005))
    assert passing(engine, *filters) == "bc"
    plain = {hit.id: hit.score for hit in engine.search(SearchRequest(text="x")).hits}
    narrowed = engine.search(SearchRequest(text="x", filters=filters))
    assert {hit.id: hit.score for hit in narrowed.hits} == {id: plain[id] for id in "bc"}
    assert narrowed.total == 2


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (AnyOf("nowhere", ("x",)), "'nowhere'.*tag, _id"),
        (AnyOf("title", ("x",)), "'title'"),
        (AnyOf("year", ("1999",)), "'year'"),
        (Range("tag", gte=1), "'tag'.*year, seen"),
        (Range("nowhere", gte=1), "'nowhere'"),
        (Range("year", gte="1999"), "'1999' is not a number"),
        (Range("year", gte=True), "True is not a number"),
        (Range("year", lt=float("nan")), "nan is not a finite number"),
        (Range("seen", gte="yesterday"), "'yesterday' is not an ISO 8601"),
        (Range("seen", gte=2024), "2024 is not an ISO 8601"),
    ],
)
def test_a_filter_that_does_not_fit_the_schema_is_refused(
    engine: Engine, condition: AnyOf | Range, message: str
) -> None:
    with pytest.raises(QueryRejected, match=message):
        engine.search(SearchRequest(filters=(condition,)))
