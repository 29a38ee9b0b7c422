"""What goes in comes out: adding, replacing, reading, deleting, keeping."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from adapters import Document, Engine, Schema, SearchRequest, connect
from adapters.errors import IndexExists, IndexMissing, SchemaRejected


def found(engine: Engine, text: str) -> set[str]:
    engine.refresh()
    return {hit.id for hit in engine.search(SearchRequest(text=text)).hits}


def test_a_source_comes_back_unchanged(engine: Engine) -> None:
    source: dict[str, Any] = {
        "title": "Naïve café \U0001f600 \u0000 \ud800 end",
        "body": ["one", None, "two"],
        "nested": {"list": [1, 2.5, 1e300, -0.0, True, None, {"deep": []}], "": ""},
        "big": 2**80,
        "unindexed": "anything",
    }
    engine.add([Document("a", source)])
    engine.refresh()
    assert engine.get(["a"]) == {"a": source}
    hit = engine.search(SearchRequest(text="café")).hits[0]
    assert hit.source == source
    assert list(hit.source) == list(source)


def test_adding_returns_how_many_and_count_agrees(engine: Engine) -> None:
    assert engine.add(Document(str(i), {"title": "x"}) for i in range(7)) == 7
    engine.refresh()
    assert engine.count() == 7


def test_adding_an_id_again_replaces_the_document(engine: Engine) -> None:
    engine.add([Document("a", {"title": "old"}), Document("b", {"title": "old"})])
    engine.add([Document("a", {"title": "new"})])
    assert found(engine, "old") == {"b"}
    assert found(engine, "new") == {"a"}
    assert engine.count() == 2


def test_the_last_of_several_documents_with_one_id_wins(engine: Engine) -> None:
    engine.add([Document("a", {"title": f"version{n}"}) for n in range(3)])
    assert found(engine, "version0 version1") == set()
    assert found(engine, "version2") == {"a"}
    assert engine.count() == 1


def test_documents_are_read_as_a_stream_and_committed_on_the_way(engine: Engine) -> None:
    seen: list[int] = []

    def documents() -> Iterator[Document]:
        for i in range(2_500):
            if i == 2_400:
                engine.refresh()
                seen.append(engine.count())
            yield Document(str(i), {"title": "x"})

    assert engine.add(documents()) == 2_500
    assert seen[0] >= 1_000


def test_big_documents_are_committed_before_a_thousand_are_there(engine: Engine) -> None:
    seen: list[int] = []

    def documents() -> Iterator[Document]:
        for i in range(40):
            if i == 39:
                engine.refresh()
                seen.append(engine.count())
            yield Document(str(i), {"title": "x", "blob": "x" * 1_000_000})

    engine.add(documents())
    assert seen[0] >= 10


def test_get_knows_what_was_just_added_and_leaves_out_what_is_not_there(engine: Engine) -> None:
    engine.add([Document("a", {"n": 1}, {"t1": 1}), Document("b", {"n": 2})])
    assert engine.get(["b", "nowhere", "a", "a", "\ud800", ""]) == {"a": {"n": 1}, "b": {"n": 2}}


def test_get_can_be_limited_to_documents_with_terms(engine: Engine) -> None:
    engine.add([Document("a", {}, {"t1": 1}), Document("b", {}), Document("empty", {}, {})])
    assert set(engine.get(["a", "b", "empty"], with_terms_only=True)) == {"a", "empty"}


def test_get_works_for_more_ids_than_one_search_returns(engine: Engine) -> None:
    engine.add(Document(str(i), {"n": i}) for i in range(2_345))
    assert len(engine.get(str(i) for i in range(3_000))) == 2_345


@pytest.mark.parametrize(
    "id", ["a b", "a/b?c#d%", "日本", "'\"\\", "_", "\n", "x" * 512, "A", "\0"]
)
def test_any_string_of_512_bytes_is_an_id(engine: Engine, id: str) -> None:
    engine.add([Document(id, {"title": "x"}), Document("a", {"title": "x"})])
    assert found(engine, "x") == {id, "a"}
    assert engine.delete([id]) == 1
    assert found(engine, "x") == {"a"}


def test_deleting_returns_how_many_there_were(engine: Engine) -> None:
    engine.add(Document(str(i), {"title": "x"}) for i in range(5))
    assert engine.delete(["1", "3", "3", "nowhere", "\ud800"]) == 2
    assert engine.delete(["1"]) == 0
    assert found(engine, "x") == {"0", "2", "4"}
    assert engine.get(["1"]) == {}


def test_statistics_count_documents_terms_and_bytes(engine: Engine, schema: Schema) -> None:
    engine.add([Document("a", {"title": "x"}, {"t1": 1}), Document("b", {"title": "x"})])
    engine.refresh()
    statistics = engine.statistics()
    assert (statistics.documents, statistics.documents_with_terms) == (2, 1)
    assert statistics.bytes_on_disk > 0
    assert statistics.schema == schema


def test_everything_is_there_after_closing_and_connecting_again(
    address: str, engine: Engine, schema: Schema
) -> None:
    engine.add([Document("a", {"title": "kept", "tag": "t"}, {"t1": 2})])
    engine.refresh()
    engine.close()
    with connect(address) as again:
        assert again.describe() == schema
        request = SearchRequest(text="kept", terms={"t1": 1}, fingerprint=schema.fingerprint)
        (hit,) = again.search(request).hits
        assert hit.lexical > 0 and hit.latent > 0
        again.add([Document("b", {"title": "kept"})])
        assert found(again, "kept") == {"a", "b"}


def test_another_connection_sees_what_was_written_after_refresh(
    address: str, engine: Engine
) -> None:
    with connect(address) as other:
        assert other.count() == 0
        engine.add([Document("a", {"title": "x"})])
        assert other.get(["a"]) == {"a": {"title": "x"}}
        assert found(other, "x") == {"a"}


def test_a_dropped_index_is_gone_and_can_be_created_again(engine: Engine) -> None:
    engine.add([Document("a", {"title": "x"})])
    engine.drop()
    with pytest.raises(IndexMissing):
        engine.count()
    other = Schema(text=("words",))
    engine.create(other)
    assert engine.describe() == other
    assert engine.count() == 0


def test_creating_where_an_index_is_refuses_and_keeps_it(engine: Engine, schema: Schema) -> None:
    engine.add([Document("a", {"title": "x"})])
    with pytest.raises(IndexExists):
        engine.create(schema)
    assert found(engine, "x") == {"a"}


def test_ensure_creates_then_accepts_the_same_schema_only(
    new_engine: Engine, schema: Schema
) -> None:
    new_engine.ensure(schema)
    new_engine.add([Document("a", {"title": "x"})])
    new_engine.ensure(schema)
    assert found(new_engine, "x") == {"a"}
    with pytest.raises(SchemaRejected, match=r"text is \('title', 'body'\) there, \('body',\)"):
        new_engine.ensure(Schema(text=("body",)))


def test_threads_may_search_while_another_adds(engine: Engine) -> None:
    engine.add([Document("first", {"title": "x"})])
    engine.refresh()
    totals: list[int] = []

    def look() -> None:
        for _ in range(50):
            totals.append(engine.search(SearchRequest(text="x")).total)

    with ThreadPoolExecutor(3) as threads:
        readers = [threads.submit(look) for _ in range(2)]
        writer = threads.submit(engine.add, (Document(str(i), {"title": "x"}) for i in range(3000)))
        assert writer.result() == 3000
        for reader in readers:
            reader.result()
    engine.refresh()
    assert engine.search(SearchRequest(text="x")).total == 3001
    assert min(totals) >= 1
