"""How text becomes words, in documents and in queries."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import AnyOf, Document, Engine, Range, Schema, SearchRequest
from adapters.errors import DocumentsRejected


def found(engine: Engine, text: str, *fields: str) -> set[str]:
    return {hit.id for hit in engine.search(SearchRequest(text=text, fields=fields)).hits}


def test_the_field_asked_for_is_the_field_searched(engine: Engine) -> None:
    engine.add([Document("a", {"title": "fox"}), Document("b", {"body": "fox"})])
    engine.refresh()
    assert found(engine, "fox", "title") == {"a"}
    assert found(engine, "fox") == {"a", "b"}


def test_scores_of_several_fields_add_up(engine: Engine) -> None:
    engine.add(
        [Document("a", {"title": "fox", "body": "fox den"}), Document("b", {"title": "hen"})]
    )
    engine.refresh()

    def score(*fields: str) -> float:
        return engine.search(SearchRequest(text="fox", fields=fields)).hits[0].score

    assert score() == pytest.approx(score("title") + score("body"), rel=1e-6)
    assert score("title", "title") == score("title")


def test_a_weight_of_a_field_multiplies_its_score(engine: Engine) -> None:
    engine.add(
        [Document("a", {"title": "fox", "body": "fox den"}), Document("b", {"title": "hen"})]
    )
    engine.refresh()

    def score(**fields: float) -> float:
        hits = engine.search(SearchRequest(text="fox", fields=fields)).hits
        return hits[0].score if hits else 0.0

    expected = 3 * score(title=1) + 0.5 * score(body=1)
    assert score(title=3, body=0.5) == pytest.approx(expected, rel=1e-6)
    assert score(title=1, body=0) == score(title=1)
    assert score(title=0) == 0


def test_a_name_with_dots_leads_into_objects_and_lists_of_them(new_engine: Engine) -> None:
    schema = Schema(
        text=("author.name",), keyword=("meta.tags",), number=("meta.n",), date=("@timestamp",)
    )
    new_engine.create(schema)
    sources: dict[str, dict[str, Any]] = {
        "a": {"author": {"name": "Ann Fox"}, "meta": {"tags": ["x", "y"], "n": 1}},
        "b": {"author": [{"name": "Bob"}, {"name": ["Fox", None]}], "meta": [{"n": 2}, {"n": 9}]},
        "c": {"author.name": "fox", "meta.n": 3, "@timestamp": "2024-05-31"},
        "d": {"author": {"other": "fox"}, "meta": None},
    }
    new_engine.add(Document(id, source) for id, source in sources.items())
    new_engine.refresh()
    assert new_engine.get(sources) == sources
    assert found(new_engine, "fox") == {"a", "b", "c"}

    def passing(*filters: AnyOf | Range) -> set[str]:
        return {hit.id for hit in new_engine.search(SearchRequest(filters=filters)).hits}

    assert passing(AnyOf("meta.tags", ("y",))) == {"a"}
    assert passing(Range("meta.n", gte=3)) == {"b", "c"}
    assert passing(Range("@timestamp", gte="2024-01-01")) == {"c"}
    with pytest.raises(DocumentsRejected, match=r"author\.name: 7"):
        new_engine.add([Document("bad", {"author": [{"name": "x"}, {"name": 7}]})])


def test_a_list_of_texts_is_searched_as_one(engine: Engine) -> None:
    engine.add(
        [Document("a", {"body": ["red fox", None, "blue hen"]}), Document("b", {"body": []})]
    )
    engine.refresh()
    assert found(engine, "hen") == {"a"}


@pytest.mark.parametrize(
    "text",
    [
        'title:red AND (NOT "fox") OR -fox +fox^5',
        "red* re? r~2 /red/ [a TO z]",
        "{red} \\ && || !red <red>",
        '"""',
        "((((",
    ],
)
def test_punctuation_and_operators_are_plain_text(engine: Engine, text: str) -> None:
    engine.add([Document("a", {"title": "red fox"}), Document("b", {"title": "blue"})])
    engine.refresh()
    expected = {"a"} if "red" in text else set()
    assert found(engine, text) == expected


@pytest.mark.parametrize("text", ["", "   ", "?!...", "\ud800"])
def test_a_text_without_words_matches_nothing(engine: Engine, text: str) -> None:
    engine.add([Document("a", {"title": "red fox"})])
    engine.refresh()
    assert engine.search(SearchRequest(text=text)).total == 0


def test_standard_words_are_lowercase_and_keep_inner_punctuation(engine: Engine) -> None:
    engine.add([Document("a", {"title": "The DOG's 3.14 Naïve foo_bar wi-fi 東京 running"})])
    engine.refresh()
    for query in ("dog's", "3.14", "NAÏVE", "foo_bar", "fi", "京", "the", "running"):
        assert engine.search(SearchRequest(text=query)).total == 1, query
    for query in ("dog", "3", "foo", "wifi", "naive", "run"):
        assert engine.search(SearchRequest(text=query)).total == 0, query


def test_english_words_are_stemmed_and_stop_words_dropped(new_engine: Engine) -> None:
    new_engine.create(Schema(text=("title",), analyzer="english"))
    new_engine.add([Document("a", {"title": "The dog’s running with foxes"})])
    new_engine.refresh()
    for query in ("dog", "runs", "fox", "dogs'"):
        assert new_engine.search(SearchRequest(text=query)).total == 1, query
    assert new_engine.search(SearchRequest(text="the with")).total == 0
