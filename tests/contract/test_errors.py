"""Errors are part of the contract: which, when, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from adapters import Document, Engine, EngineError, Schema, SearchRequest
from adapters.errors import (
    DocumentsRejected,
    EngineUnavailable,
    IndexMissing,
    ModelMismatch,
    QueryRejected,
    SchemaRejected,
)

CALLS: dict[str, Callable[[Engine], object]] = {
    "describe": lambda engine: engine.describe(),
    "drop": lambda engine: engine.drop(),
    "add": lambda engine: engine.add([]),
    "get": lambda engine: engine.get(["a"]),
    "delete": lambda engine: engine.delete(["a"]),
    "refresh": lambda engine: engine.refresh(),
    "search": lambda engine: engine.search(SearchRequest(text="x")),
    "count": lambda engine: engine.count(),
    "statistics": lambda engine: engine.statistics(),
}


@pytest.mark.parametrize("call", CALLS)
def test_everything_but_create_needs_an_index(new_engine: Engine, call: str) -> None:
    with pytest.raises(IndexMissing, match="create"):
        CALLS[call](new_engine)


@pytest.mark.parametrize("call", [*CALLS, "create"])
def test_nothing_works_after_close(engine: Engine, schema: Schema, call: str) -> None:
    engine.close()
    engine.close()
    calls = {**CALLS, "create": lambda engine: engine.create(schema)}
    with pytest.raises(EngineUnavailable, match="closed"):
        calls[call](engine)


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        (Document("", {}), "id", "0 bytes"),
        (Document("é" * 257, {}), "id", "514 bytes"),
        (Document("\ud800", {}), "id", "surrogate"),
        (Document(7, {}), "id", "7"),  # type: ignore[arg-type]
        (Document("bad", ["x"]), "source", r"\['x'\]"),  # type: ignore[arg-type]
        (Document("bad", {"x": {1, 2}}), "source", "set"),
        (Document("bad", {"x": float("nan")}), "source", "(?i)nan|float"),
        (Document("bad", {"x": {1: "y"}}), "source", "keys"),
        (Document("bad", {"x": (1, 2)}), "source", "tuples"),
        (Document("bad", {"title": 7}), "title", "7"),
        (Document("bad", {"body": ["x", {"y": 1}]}), "body", "{'y': 1}"),
        (Document("bad", {"tag": 7}), "tag", "7"),
        (Document("bad", {"tag": "x" * 32_767}), "tag", "32766"),
        (Document("bad", {"year": "soon"}), "year", "soon"),
        (Document("bad", {"year": True}), "year", "True"),
        (Document("bad", {"year": 10**400}), "year", "64-bit"),
        (Document("bad", {"seen": "31.5.2024"}), "seen", "31.5.2024"),
        (Document("bad", {"seen": 1717113600}), "seen", "1717113600"),
        (Document("bad", {"seen": "2024-02-30"}), "seen", "2024-02-30"),
        (Document("bad", {}, {"t1": 0}), "terms", "frequency 0 of 't1'"),
        (Document("bad", {}, {"t1": 1.5}), "terms", "1.5"),  # type: ignore[dict-item]
        (Document("bad", {}, {"t 1": 1}), "terms", "'t 1'"),
        (Document("bad", {}, {"": 1}), "terms", "''"),
        (Document("bad", {}, {"t1|2": 1}), "terms", "t1|2"),
        (Document("bad", {}, {"t1": 10**9}), "terms", "1000000000"),
    ],
)
def test_a_bad_document_keeps_its_whole_batch_out(
    engine: Engine, document: Document, field: str, value: str
) -> None:
    engine.add([Document("first", {"title": "old"})])
    batch = [Document("first", {"title": "new"}), document, Document("last", {"title": "new"})]
    with pytest.raises(DocumentsRejected, match=value) as caught:
        engine.add(batch)
    (error,) = caught.value.errors
    assert error.field == field
    assert field in str(caught.value)
    if document.id == "bad":
        assert error.id == "bad"
    engine.refresh()
    assert engine.count() == 1
    assert engine.get(["first", "last"]) == {"first": {"title": "old"}}
    assert engine.add([batch[0], batch[2]]) == 2


def test_faults_are_what_adding_would_reject(engine: Engine) -> None:
    bad = Document("bad", {"year": "soon", "tag": 7})
    with pytest.raises(DocumentsRejected) as caught:
        engine.add([bad])
    assert engine.faults(bad) == caught.value.errors
    assert engine.faults(Document("good", {"year": 7}, {"t1": 1})) == ()


def test_an_index_is_not_created_by_the_schema_of_an_index_of_others(new_engine: Engine) -> None:
    with pytest.raises(SchemaRejected, match="'other'"):
        new_engine.create(Schema(text=("title",), analyzer="other"))
    with pytest.raises(IndexMissing):
        new_engine.describe()


def test_batches_before_a_bad_document_stay(engine: Engine) -> None:
    documents = [Document(str(i), {"title": "x"}) for i in range(2_500)]
    documents[2_400] = Document("2400", {"year": "soon"})
    with pytest.raises(DocumentsRejected) as caught:
        engine.add(documents)
    engine.refresh()
    assert engine.count() == caught.value.added
    assert 1_000 <= caught.value.added < 2_400


def test_every_fault_of_a_batch_is_reported_once(engine: Engine) -> None:
    documents = [Document(str(i), {"year": "soon", "tag": 7}) for i in range(4)]
    with pytest.raises(DocumentsRejected, match="4 documents rejected.*and 5 more") as caught:
        engine.add(documents)
    assert len(caught.value.errors) == 8


def test_an_error_of_the_stream_itself_passes_through_and_loses_only_its_batch(
    engine: Engine,
) -> None:
    def documents() -> Any:
        yield Document("a", {"title": "x"})
        raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        engine.add(documents())
    engine.refresh()
    assert engine.count() == 0
    assert engine.add([Document("b", {"title": "x"})]) == 1


def test_terms_of_another_model_are_refused_before_anything_is_read(engine: Engine) -> None:
    read: list[int] = []
    documents = (read.append(i) or Document(str(i), {}, {"t1": 1}) for i in range(3))  # type: ignore[func-returns-value]
    with pytest.raises(ModelMismatch, match="3f9a1c0b77de.*tiny.*aaaaaaaaaaaa"):
        engine.add(documents, fingerprint="aaaaaaaaaaaa")
    assert read == []


def test_an_index_without_a_model_takes_no_terms(new_engine: Engine) -> None:
    new_engine.create(Schema(text=("title",)))
    with pytest.raises(ModelMismatch, match="without latent terms"):
        new_engine.add([], fingerprint="aaaaaaaaaaaa")
    with pytest.raises(DocumentsRejected, match="without latent terms"):
        new_engine.add([Document("a", {}, {"t1": 1})])
    with pytest.raises(ModelMismatch, match="without latent terms"):
        new_engine.search(SearchRequest(terms={"t1": 1}, fingerprint="aaaaaaaaaaaa"))


def test_an_unknown_field_to_search_is_refused(engine: Engine) -> None:
    for field in ("tag", "nowhere"):
        with pytest.raises(QueryRejected, match=f"'{field}'.*title, body"):
            engine.search(SearchRequest(text="x", fields=(field,)))


@pytest.mark.parametrize("terms", [{"t1": 0}, {"t 1": 1}, {"t1": -1}, {"t1": "2"}, ["t1"]])
def test_terms_of_a_query_are_checked(engine: Engine, schema: Schema, terms: Any) -> None:
    with pytest.raises(QueryRejected, match="terms"):
        engine.search(SearchRequest(terms=terms, fingerprint=schema.fingerprint))


def test_everything_raised_here_is_an_engine_error() -> None:
    for error in (DocumentsRejected, EngineUnavailable, IndexMissing, QueryRejected):
        assert issubclass(error, EngineError)
