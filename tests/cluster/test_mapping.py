"""Latent fields in indexes of our own and of others: spelling, alias, `_meta`, and nothing else."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from adapters import AnyOf, Document, Range, Schema, SearchRequest
from adapters.dialect.dialect import spell
from adapters.dialect.mapping import mapping_update
from adapters.dialect.meta import IndexMeta, LatentField, read_meta
from adapters.errors import EngineError, IndexUnreadable, QueryRejected, SchemaRejected
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

from .own_index import FINGERPRINT, own_index
from .plain_index import plain_index, write

pytestmark = pytest.mark.engine

SHOP: dict[str, Any] = {
    "_meta": {"owner": "the shop"},
    "properties": {
        "title": {"type": "text", "analyzer": "english", "fields": {"raw": {"type": "keyword"}}},
        "blurb": {"type": "text"},
        "author": {"properties": {"name": {"type": "text"}, "born": {"type": "short"}}},
        "reviews": {"type": "nested", "properties": {"text": {"type": "text"}}},
        "secret": {"type": "text", "index": False},
        "isbn": {"type": "keyword"},
        "price": {"type": "float"},
        "@timestamp": {"type": "date"},
        "cover": {"type": "binary"},
        "_odd name": {"type": "text"},
    },
}
BOOKS: dict[str, dict[str, Any]] = {
    "a": {"title": "Sea voyages", "isbn": "1", "price": 9.5, "author": {"name": "Ann Fox"}},
    "b": {"title": "The voyage out", "isbn": "2", "price": 20, "@timestamp": "2024-05-31"},
    "c": {"title": "Gardens", "blurb": "a sea of flowers", "isbn": "3"},
}


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


@pytest.fixture
def shop(cluster: Cluster, url: str) -> Iterator[ServerEngine]:
    """An index of somebody else."""
    with plain_index(cluster, BOOKS, mapping=SHOP) as name:
        engine = ServerEngine(Cluster(f"{url}/{name}"), name)
        yield engine
        engine.close()


def add_field(engine: ServerEngine, field: LatentField, *, active: bool = True) -> None:
    described = engine.describe_fully()
    meta = described.meta.with_field(field)
    update = mapping_update(
        described.mapping, meta.activated(field.name) if active else meta, field
    )
    engine.cluster.request("PUT", f"/{engine.index}/_mapping", body=update)
    engine.describe()


def give_terms(engine: ServerEngine, field: LatentField, terms: dict[str, dict[str, int]]) -> None:
    for id, frequencies in terms.items():
        engine.cluster.request(
            "POST",
            f"/{engine.index}/_update/{id}",
            params={"refresh": True},
            body={"doc": {field.name: spell(frequencies, field.spelling)}},
        )


def scores(engine: ServerEngine, query: dict[str, Any]) -> dict[str, float]:
    body = {"query": query, "size": 300, "_source": False}
    answer = engine.cluster.request("POST", f"/{engine.index}/_search", body=body)
    return {hit["_id"]: hit["_score"] for hit in answer.body["hits"]["hits"]}


def boosted(field: str, terms: dict[str, int]) -> dict[str, Any]:
    clauses = [{"term": {field: {"value": t, "boost": n}}} for t, n in terms.items()]
    return {"bool": {"should": clauses}}


def test_every_way_to_write_frequencies_scores_the_same(url: str, kind: str) -> None:
    """`t17|3` or t17 t17 t17 in a document, boosts or repetition in a query."""
    repeated = LatentField("aaaaaa111111", None, "repeat", ("body",))
    rng = random.Random(5)
    found = {}
    with own_index(url, Schema(text=("body",), fingerprint=FINGERPRINT)) as engine:
        add_field(engine, repeated, active=False)
        own = engine.describe_fully().meta.field_of(FINGERPRINT)
        assert own is not None
        assert own.spelling == ("frequencies" if kind == "opensearch" else "repeat")
        terms = {
            str(i): dict(
                Counter(f"t{int(99 * rng.random() ** 2)}" for _ in range(rng.randint(1, 80)))
            )
            for i in range(200)
        }
        lines = [
            (id, {own.name: spell(t, own.spelling), repeated.name: spell(t, "repeat")})
            for id, t in terms.items()
        ]
        write(engine.cluster, engine.index, lines)
        query = {"t3": 1, "t40": 3, "t7": 7, "t61": 2}
        spelled = spell(query, "repeat")
        for field in (own.name, repeated.name):
            found[field, "boosts"] = scores(engine, boosted(field, query))
            found[field, "repetition"] = scores(engine, {"match": {field: spelled}})
    (first, *others) = found.values()
    assert len(first) > 100
    for other in others:
        assert other == pytest.approx(first, rel=1e-6)


def test_the_longest_terms_and_frequencies_are_kept_whole(url: str) -> None:
    long = "t" * 255
    with own_index(url, Schema(text=("body",), fingerprint=FINGERPRINT)) as engine:
        engine.add([Document("a", {}, {long: 10_000, "t1": 1}), Document("b", {}, {long: 1})])
        engine.refresh()
        request = SearchRequest(terms={long: 1}, fingerprint=FINGERPRINT)
        assert [hit.id for hit in engine.search(request).hits] == ["a", "b"]


def test_the_alias_leads_to_the_active_field_and_can_be_led_elsewhere(url: str) -> None:
    with own_index(url, Schema(text=("body",), fingerprint=FINGERPRINT)) as engine:
        engine.add([Document("old", {}, {"t1": 1})])
        other = LatentField("aaaaaa111111", "other", "repeat", ("body",))
        add_field(engine, other, active=False)
        engine.add([Document("new", {}, {"t1": 1})], fingerprint=other.fingerprint)
        engine.refresh()
        assert scores(engine, {"match": {"latent_terms": "t1"}}).keys() == {"old"}
        assert engine.describe().fingerprint == FINGERPRINT
        add_field(engine, other)
        assert scores(engine, {"match": {"latent_terms": "t1"}}).keys() == {"new"}
        assert engine.describe().fingerprint == other.fingerprint


def test_a_field_added_to_an_index_of_others_changes_nothing_else(shop: ServerEngine) -> None:
    def state() -> dict[str, Any]:
        body = {"seq_no_primary_term": True, "version": True, "sort": ["isbn"]}
        answer = shop.cluster.request("POST", f"/{shop.index}/_search", body=body)
        return {
            "settings": shop.cluster.request("GET", f"/{shop.index}/_settings").body,
            "documents": answer.body["hits"]["hits"],
        }

    before, mapping = state(), dict(shop.describe_fully().mapping)
    field = LatentField(FINGERPRINT, "tiny", "repeat", ("title", "blurb"))
    add_field(shop, field)
    assert state() == before
    after = dict(shop.describe_fully().mapping)
    properties = dict(after["properties"])
    assert properties.pop(field.name)["index_options"] == "freqs"
    assert properties.pop("latent_terms") == {"type": "alias", "path": field.name}
    assert properties == mapping["properties"]
    meta = dict(after["_meta"])
    assert meta.pop("latent_terms")["active"] == field.name
    assert meta == mapping["_meta"] == {"owner": "the shop"}
    assert {k: v for k, v in after.items() if k not in ("properties", "_meta")} == {
        k: v for k, v in mapping.items() if k not in ("properties", "_meta")
    }


def test_the_schema_of_an_index_of_others_is_read_from_its_mapping(shop: ServerEngine) -> None:
    schema = shop.describe()
    assert set(schema.text) == {"title", "blurb", "author.name"}
    assert set(schema.keyword) == {"isbn", "title.raw"}
    assert set(schema.number) == {"price", "author.born"}
    assert schema.date == ("@timestamp",)
    assert (schema.fingerprint, schema.analyzer) == (None, "other")


def test_an_index_of_others_is_searched_and_filtered_as_it_is(shop: ServerEngine) -> None:
    def found(text: str | None = None, **options: Any) -> set[str]:
        return {hit.id for hit in shop.search(SearchRequest(text=text, **options)).hits}

    assert found("voyage") == {"a", "b"}
    assert found("sea") == {"a", "c"}
    assert found("sea", fields=("blurb",)) == {"c"}
    assert found("fox", fields={"author.name": 2.0}) == {"a"}
    assert found("sea", filters=(AnyOf("title.raw", ("Sea voyages",)),)) == {"a"}
    assert found(filters=(Range("price", gte=10),)) == {"b"}
    assert found(filters=(Range("@timestamp", gte="2024-05-31", lte="2024-05-31"),)) == {"b"}
    with pytest.raises(QueryRejected, match=r"'reviews.text'.*title"):
        found("x", fields=("reviews.text",))


def test_with_terms_it_is_searched_by_both_and_documents_without_are_found_by_words(
    shop: ServerEngine,
) -> None:
    field = LatentField(FINGERPRINT, "tiny", "repeat", ("title", "blurb"))
    add_field(shop, field)
    give_terms(shop, field, {"a": {"t1": 2, "t2": 1}, "c": {"t1": 1, "t3": 5}})
    schema = shop.describe()
    assert schema.text == ("title", "blurb")
    assert (schema.fingerprint, schema.model) == (FINGERPRINT, "tiny")
    request = SearchRequest(text="voyage", terms={"t1": 1}, fingerprint=FINGERPRINT)
    hits = {hit.id: hit for hit in shop.search(request).hits}
    assert hits.keys() == {"a", "b", "c"}
    assert hits["a"].lexical > 0 and hits["a"].latent > 0
    assert hits["b"].latent == 0
    assert hits["c"].lexical == 0
    assert hits["a"].source == BOOKS["a"] == shop.get(["a"])["a"]
    assert set(shop.get("abc", with_terms_only=True)) == {"a", "c"}
    assert shop.statistics().documents_with_terms == 2
    assert shop.search(SearchRequest(text="fox", fields=("author.name",))).total == 1


def test_documents_are_added_to_an_index_of_others_with_their_terms(shop: ServerEngine) -> None:
    field = LatentField(FINGERPRINT, "tiny", "repeat", ("title", "blurb"))
    add_field(shop, field)
    new = Document("d", {"title": "Deep sea", "price": 1, "unheard": "of"}, {"t9": 1})
    assert shop.add([new], fingerprint=FINGERPRINT) == 1
    shop.refresh()
    request = SearchRequest(text="sea", terms={"t9": 1}, fingerprint=FINGERPRINT)
    assert shop.search(request).hits[0].id == "d"


def test_an_index_of_others_is_not_dropped(shop: ServerEngine) -> None:
    with pytest.raises(EngineError, match="was not created by latent-terms.*DELETE /"):
        shop.drop()
    assert shop.count() == 3


def test_an_alias_of_an_index_is_as_good_as_its_name(url: str) -> None:
    with own_index(url, Schema(text=("body",), fingerprint=FINGERPRINT)) as engine:
        alias = f"alias-{uuid.uuid4().hex[:8]}"
        action = {"add": {"index": engine.index, "alias": alias}}
        engine.cluster.request("POST", "/_aliases", body={"actions": [action]})
        other = ServerEngine(engine.cluster, alias)
        other.add([Document("a", {"body": "fox"}, {"t1": 1})])
        other.refresh()
        assert other.search(SearchRequest(text="fox")).total == 1
        assert other.describe() == engine.describe()


def test_an_index_without_text_is_refused(cluster: Cluster) -> None:
    numbers = {"properties": {"n": {"type": "long"}}}
    with (
        plain_index(cluster, {}, mapping=numbers) as name,
        pytest.raises(IndexUnreadable, match="no text field"),
    ):
        ServerEngine(cluster, name).describe()


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"version": 2}, "version 2 and this version reads 1"),
        ({"version": 1}, "was altered"),
        ({"version": 1, "fields": {"x": {"spelling": "odd"}}, "active": None}, "odd"),
        ("text", "version None"),
        ({"version": 1, "fields": {}, "active": "latent_terms_x"}, "latent_terms_x.*no such field"),
    ],
)
def test_a_meta_that_cannot_be_understood_is_refused(
    cluster: Cluster, meta: Any, message: str
) -> None:
    mapping = {"_meta": {"latent_terms": meta}, "properties": {"title": {"type": "text"}}}
    with (
        plain_index(cluster, {}, mapping=mapping) as name,
        pytest.raises(IndexUnreadable, match=message),
    ):
        ServerEngine(cluster, name).describe()


def test_a_schema_that_the_server_cannot_map_is_refused(url: str) -> None:
    with own_index(url) as engine, pytest.raises(SchemaRejected, match="cannot be created"):
        engine.create(Schema(text=("a", "a.b"), keyword=("a.b.c",)))


def test_what_meta_says_comes_back_as_it_was() -> None:
    field = LatentField(FINGERPRINT, None, "frequencies", ("a.b", "c"))
    meta = IndexMeta(schema=Schema(text=("x",), date=("d",), analyzer="english"))
    meta = meta.with_field(field).activated(field.name)
    assert read_meta({"_meta": {"latent_terms": meta.to_json()}}, "x") == meta
    assert meta.without_field(field.name).active is None
