"""Back-fill on real servers: which documents get latent terms, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

import adapters.backfill.backfill
from adapters.backfill.backfill import Backfill, BackfillProgress
from adapters.backfill.target import check_model, find_target
from adapters.errors import (
    EngineError,
    IndexLocked,
    IndexMissing,
    ModelMismatch,
    SchemaRejected,
    UnsupportedAddress,
)
from adapters.server.cluster import Cluster
from adapters.server.stored import StoredDocument
from latent_terms.testing import hash_encoder

from .plain_index import plain_index, sources, write

pytestmark = pytest.mark.engine

ENCODER = hash_encoder()
FIELD = "latent_terms_000000"
HASH = f"{FIELD}_hash"


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


class Filling:
    """A back-fill and what it reported; `encoder` may be one that does things meanwhile."""

    def __init__(self, cluster: Cluster, index: str, *fields: str, **options: Any) -> None:
        encoder = options.pop("encoder", ENCODER)
        changed = options.get("changed", False)
        self.target = find_target(
            cluster,
            index,
            fingerprint=encoder.fingerprint,
            model="hash",
            text_fields=fields,
            changed=changed,
        )
        self.rejected: dict[str, str] = {}
        self.done: BackfillProgress = Backfill(
            self.target, encoder, reject=self.note, changed=changed
        ).run()

    def note(self, document: StoredDocument, reason: str) -> None:
        self.rejected[document.id] = reason


class Meddling:
    """Encodes, and does something else before each text with a certain word is encoded."""

    fingerprint = ENCODER.fingerprint

    def __init__(self, word: str, act: Callable[[], object]) -> None:
        self._word = word
        self._act = act
        self.texts: list[str] = []

    def encode_query(self, text: str) -> Mapping[str, int]:
        return ENCODER.encode_query(text)

    def encode_documents(self, texts: Iterable[str]) -> Iterator[Mapping[str, int]]:
        for text in texts:
            self.texts.append(text)
            if self._word in text:
                self._act()
            yield terms_of(text)


def terms_of(text: str) -> Mapping[str, int]:
    (terms,) = ENCODER.encode_documents([text])
    return terms


def spelled(text: str) -> str:
    return " ".join(" ".join([term] * n) for term, n in terms_of(text).items())


DOCUMENTS = {str(n): {"title": f"title {n}", "body": f"word{n} body", "n": n} for n in range(700)}


def test_every_document_gets_the_terms_of_its_text_and_nothing_else_changes(
    cluster: Cluster,
) -> None:
    with plain_index(cluster, DOCUMENTS, settings={"number_of_shards": 2}) as index:
        filling = Filling(cluster, index, "title", "body")
        assert filling.done == BackfillProgress(total=700, updated=700)
        found = sources(cluster, index)
        for id, source in DOCUMENTS.items():
            assert found[id].pop(FIELD) == spelled(f"{source['title']}\n{source['body']}")
            assert len(found[id].pop(HASH)) == 24
        assert found == DOCUMENTS
        mapping = cluster.request("GET", f"/{index}/_mapping").body[index]["mappings"]
        assert mapping["properties"][FIELD]["index_options"] == "freqs"
        assert mapping["properties"]["title"] == {"type": "text"}
        assert mapping["_meta"]["latent_terms"]["fields"][FIELD]["text_fields"] == ["title", "body"]


def test_a_second_run_writes_nothing(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "one"}, "b": {"title": "two"}}) as index:
        assert Filling(cluster, index, "title").done.updated == 2
        before = sequence_numbers(cluster, index)
        assert Filling(cluster, index, "title").done == BackfillProgress()
        done = Filling(cluster, index, "title", changed=True).done
        assert done == BackfillProgress(total=2, unchanged=2)
        assert sequence_numbers(cluster, index) == before


def test_a_document_that_is_rewritten_meanwhile_is_read_and_encoded_again(
    cluster: Cluster,
) -> None:
    with plain_index(cluster, {"a": {"title": "first"}, "b": {"title": "other"}}) as index:
        encoder = Meddling("first", lambda: write(cluster, index, [("a", {"title": "second"})]))
        filling = Filling(cluster, index, "title", encoder=encoder)
        assert filling.done == BackfillProgress(total=2, updated=2, conflicts=1)
        assert sorted(encoder.texts) == ["first", "other", "second"]
        found = sources(cluster, index)
        assert found["a"]["title"] == "second"
        assert found["a"][FIELD] == spelled("second")


def test_a_document_that_is_deleted_meanwhile_stays_deleted(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "first"}, "b": {"title": "other"}}) as index:
        encoder = Meddling("first", lambda: cluster.request("DELETE", f"/{index}/_doc/a"))
        filling = Filling(cluster, index, "title", encoder=encoder)
        assert (filling.done.updated, filling.done.gone) == (1, 1)
        assert set(sources(cluster, index)) == {"b"}


def test_documents_that_arrive_meanwhile_are_filled_too(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "first"}}) as index:
        encoder = Meddling("first", lambda: write(cluster, index, [("b", {"title": "late"})]))
        filling = Filling(cluster, index, "title", encoder=encoder)
        assert (filling.done.updated, filling.done.missing) == (2, 0)
        assert sources(cluster, index)["b"][FIELD] == spelled("late")


def test_documents_that_keep_arriving_are_listed_in_the_end(cluster: Cluster) -> None:
    arrived = iter(range(1_000))

    def arrive() -> None:
        write(cluster, index, [(f"late{next(arrived)}", {"title": "first again"})])

    with plain_index(cluster, {"a": {"title": "first"}}) as index:
        filling = Filling(cluster, index, "title", encoder=Meddling("first", arrive))
        assert filling.done.updated == 6
        assert filling.done.missing == filling.done.rejected == 1
        assert filling.rejected == {"late5": "written without latent terms while the back-fill ran"}


def test_a_partial_update_keeps_old_terms_until_what_changed_is_looked_for(
    cluster: Cluster,
) -> None:
    with plain_index(cluster, {str(n): {"title": f"old {n}", "n": n} for n in range(9)}) as index:
        Filling(cluster, index, "title")
        for id, part in (("3", {"title": "new"}), ("4", {"n": 40})):
            update(cluster, index, id, part)
        assert Filling(cluster, index, "title").done.updated == 0
        assert sources(cluster, index)["3"][FIELD] == spelled("old 3")

        done = Filling(cluster, index, "title", changed=True).done
        assert done == BackfillProgress(total=9, updated=1, unchanged=8)
        assert sources(cluster, index)["3"][FIELD] == spelled("new")


def test_a_partial_update_of_what_has_changed_is_not_lost_either(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "old"}, "b": {"title": "other"}}) as index:
        Filling(cluster, index, "title")
        update(cluster, index, "a", {"title": "first"})
        encoder = Meddling("first", lambda: update(cluster, index, "a", {"title": "second"}))
        done = Filling(cluster, index, "title", changed=True, encoder=encoder).done
        assert (done.updated, done.conflicts) == (1, 1)
        assert sources(cluster, index)["a"][FIELD] == spelled("second")


def test_a_document_without_text_counts_as_encoded(cluster: Cluster) -> None:
    without = {"a": {}, "b": {"title": None}, "c": {"title": ""}, "d": {"title": []}}
    with plain_index(cluster, {**without, "e": {"title": "text"}}) as index:
        done = Filling(cluster, index, "title").done
        assert done == BackfillProgress(total=5, updated=5, without_text=4)
        assert {id: source[FIELD] for id, source in sources(cluster, index).items()} == {
            **dict.fromkeys(without, ""),
            "e": spelled("text"),
        }
        assert Filling(cluster, index, "title").done.total == 0


def test_lists_objects_and_nested_documents_are_read_in_their_order(cluster: Cluster) -> None:
    text = {"type": "text"}
    chapters = {"type": "nested", "properties": {"head": text, "pages": {"type": "long"}}}
    mapping = {
        "properties": {"title": text, "author": {"properties": {"bio": text}}, "chapters": chapters}
    }
    source = {
        "title": ["one", None, "two"],
        "author": {"bio": "three"},
        "chapters": [{"head": "four", "pages": 9}, {"pages": 2}, {"head": ["five", "six"]}],
    }
    with plain_index(cluster, {"a": source}, mapping=mapping) as index:
        Filling(cluster, index, "title", "author.bio", "chapters.head")
        found = sources(cluster, index)["a"]
        assert found[FIELD] == spelled("one\ntwo\nthree\nfour\nfive\nsix")
        assert {key: found[key] for key in source} == source
        inside = {"nested": {"path": "chapters", "query": {"match": {"chapters.head": "six"}}}}
        answer = cluster.request("POST", f"/{index}/_count", body={"query": inside})
        assert answer.body["count"] == 1


def test_values_that_are_no_text_are_left_out_and_counted(cluster: Cluster) -> None:
    documents = {"a": {"title": 7, "body": "text"}, "b": {"title": ["x", True]}, "c": {"body": "y"}}
    with plain_index(cluster, documents) as index:
        done = Filling(cluster, index, "title", "body").done
        assert done.not_text == {"title": 2}
        found = sources(cluster, index)
        assert [found[id][FIELD] for id in "abc"] == [spelled(text) for text in ("text", "x", "y")]


def test_documents_with_a_routing_of_their_own_are_found_again(cluster: Cluster) -> None:
    with plain_index(cluster, {}, settings={"number_of_shards": 3}) as index:
        for n in range(12):
            path, params = f"/{index}/_doc/{n}", {"routing": f"r{n}", "refresh": True}
            cluster.request("PUT", path, params=params, body={"title": f"first {n}"})
        meddled = iter([True])

        def meddle() -> None:
            if next(meddled, False):
                params = {"routing": "r5", "refresh": True}
                cluster.request("PUT", f"/{index}/_doc/5", params=params, body={"title": "second"})

        done = Filling(cluster, index, "title", encoder=Meddling("first", meddle)).done
        assert (done.updated, done.conflicts, done.missing) == (12, 1, 0)
        found = sources(cluster, index)
        assert len(found) == 12
        assert found["5"][FIELD] == spelled("second")


def test_a_document_that_the_server_refuses_is_reported_and_the_others_are_filled(
    cluster: Cluster,
) -> None:
    mapping = {"dynamic": False, "properties": {"title": {"type": "text"}}}
    documents = {"good": {"title": "x"}, "bad": {"title": "x", "when": "soon"}}
    with plain_index(cluster, documents, mapping=mapping) as index:
        date = {"properties": {"when": {"type": "date"}}}
        cluster.request("PUT", f"/{index}/_mapping", body=date)
        filling = Filling(cluster, index, "title")
        assert (filling.done.updated, filling.done.rejected, filling.done.missing) == (1, 1, 1)
        assert "failed to parse field [when]" in filling.rejected["bad"]
        assert FIELD in sources(cluster, index)["good"]


def test_too_many_documents_that_cannot_be_filled_stop_the_run(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters.backfill.backfill, "MOST_REJECTED", 3)
    mapping = {"dynamic": False, "properties": {"title": {"type": "text"}}}
    documents = {str(n): {"title": "x", "when": "soon"} for n in range(9)}
    with plain_index(cluster, documents, mapping=mapping) as index:
        date = {"properties": {"when": {"type": "date"}}}
        cluster.request("PUT", f"/{index}/_mapping", body=date)
        with pytest.raises(EngineError, match="3 documents could not be filled.*field .when"):
            Filling(cluster, index, "title")


def test_an_index_that_cannot_be_written_stops_the_run(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "x"}}) as index:
        cluster.request("PUT", f"/{index}/_settings", body={"index.blocks.write": True})
        with pytest.raises(IndexLocked, match=rf"{index}.*Lift the block"):
            Filling(cluster, index, "title")


def test_an_index_is_found_by_an_alias_of_its_own(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "x"}}) as index, plain_index(cluster, {}) as other:
        cluster.request("PUT", f"/{index}/_alias/{index}-alias")
        assert Filling(cluster, f"{index}-alias", "title").done.updated == 1
        cluster.request("PUT", f"/{other}/_alias/{index}-alias")
        with pytest.raises(UnsupportedAddress, match=f"2 indexes.*{index}"):
            Filling(cluster, f"{index}-alias", "title")


@pytest.mark.parametrize(
    ("mapping", "field", "message"),
    [
        ({}, "titel", "'titel' is no field of .*; fields with text: body, meta.note, title"),
        ({}, "year", "'year' is of type long in .*; fields with text: body, "),
        ({}, "meta", "'meta' is of type object"),
        ({}, "title.raw", "'title.raw' is no field"),
        ({"_source": {"enabled": False}}, "title", "keeps no _source"),
        ({"_source": {"excludes": ["year"]}}, "title", r"excludes: \['year'\].*would drop"),
        ({"_source": {"includes": ["title"]}}, "title", r"includes: \['title'\]"),
    ],
)
def test_an_index_that_cannot_be_filled_is_refused_and_not_touched(
    cluster: Cluster, mapping: dict[str, Any], field: str, message: str
) -> None:
    text = {"type": "text"}
    properties = {
        "title": {**text, "fields": {"raw": {"type": "keyword"}}},
        "body": text,
        "year": {"type": "long"},
        "meta": {"properties": {"note": text}},
    }
    with plain_index(cluster, {}, mapping={**mapping, "properties": properties}) as index:
        before = cluster.request("GET", f"/{index}/_mapping").body
        with pytest.raises(SchemaRejected, match=message):
            Filling(cluster, index, field)
        assert cluster.request("GET", f"/{index}/_mapping").body == before


def test_an_index_that_is_not_there_is_not_made(cluster: Cluster) -> None:
    with pytest.raises(IndexMissing, match="loading-nowhere"):
        Filling(cluster, "loading-nowhere", "title")
    answer = cluster.request("HEAD", "/loading-nowhere", accept=(404,))
    assert answer.status == 404


def test_other_fields_than_before_are_for_every_document_or_for_none(cluster: Cluster) -> None:
    with plain_index(cluster, {"a": {"title": "x", "body": "y"}, "b": {"title": "z"}}) as index:
        Filling(cluster, index, "title")
        with pytest.raises(SchemaRejected, match="made of title, not of title, body.*--changed"):
            Filling(cluster, index, "title", "body")
        assert Filling(cluster, index, "title", "body", changed=True).done.updated == 1
        again = Filling(cluster, index)
        assert again.target.field.text_fields == ("title", "body")
        assert sources(cluster, index)["a"][FIELD] == spelled("x\ny")


def test_searches_use_the_field_once_it_is_activated_and_no_other_model_takes_over(
    cluster: Cluster,
) -> None:
    with plain_index(cluster, {"a": {"title": "cat"}, "b": {"title": "dog"}}) as index:
        target = Filling(cluster, index, "title").target
        target.activate()
        term = next(iter(terms_of("cat")))
        query = {"query": {"term": {"latent_terms": term}}}
        hits = cluster.request("POST", f"/{index}/_search", body=query).body["hits"]["hits"]
        assert [hit["_id"] for hit in hits] == ["a"]
        check_model(target)
        other = find_target(
            cluster, index, fingerprint="aaaaaaaaaaaa", model=None, text_fields=("title",)
        )
        with pytest.raises(ModelMismatch, match=r"000000000000 \(hash\).*aaaaaaaaaaaa.*migrate"):
            check_model(other)


def update(cluster: Cluster, index: str, id: str, part: dict[str, Any]) -> None:
    params = {"refresh": True}
    cluster.request("POST", f"/{index}/_update/{id}", params=params, body={"doc": part})


def sequence_numbers(cluster: Cluster, index: str) -> dict[str, int]:
    body = {"seq_no_primary_term": True, "_source": False}
    hits = cluster.request("POST", f"/{index}/_search", body=body).body["hits"]["hits"]
    return {hit["_id"]: hit["_seq_no"] for hit in hits}
