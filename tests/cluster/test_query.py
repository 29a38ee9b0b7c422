"""One request: words, latent terms in one phase or two, and the user's own search merged in."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from adapters import AnyOf, Document, Schema, SearchRequest, SearchResult
from adapters.dialect.mapping import mapping_update
from adapters.dialect.meta import LatentField
from adapters.errors import QueryRejected
from adapters.server.engine import ServerEngine

from .own_index import FINGERPRINT, own_index

pytestmark = pytest.mark.engine

COLOURS = ("red", "green", "blue")
# rare terms first, as an encoder gives them
TERMS = {"t170": 2, "t140": 1, "t90": 3, "t40": 1, "t9": 2, "t2": 1, "t1": 1, "t0": 1}


def corpus() -> list[Document]:
    rng = random.Random(3)
    documents = []
    for i in range(400):
        terms = Counter(f"t{int(200 * rng.random() ** 2)}" for _ in range(rng.randint(5, 60)))
        words = rng.choices(("fox", "hen", "dog", "owl", "the", "a"), k=rng.randint(3, 9))
        source = {"title": words[0], "body": " ".join(words), "colour": COLOURS[i % 3], "n": i}
        documents.append(Document(str(i), source, dict(terms)))
    return documents


@pytest.fixture(scope="module")
def engine(url: str) -> Iterator[ServerEngine]:
    """Only read by the tests."""
    schema = Schema(
        text=("title", "body"), keyword=("colour",), number=("n",), fingerprint=FINGERPRINT
    )
    with own_index(url, schema) as engine:
        engine.add(corpus())
        engine.refresh()
        yield engine


def search(engine: ServerEngine, **options: Any) -> SearchResult:
    return engine.search(SearchRequest(fingerprint=FINGERPRINT, **{"size": 400, **options}))


def ids(result: SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


def scores(result: SearchResult) -> dict[str, float]:
    return {hit.id: hit.score for hit in result.hits}


def test_hits_in_the_window_have_the_whole_score(engine: ServerEngine) -> None:
    whole = scores(search(engine, text="fox", terms=TERMS))
    two = search(engine, text="fox", terms=TERMS, first_terms=3, rescore_window=50)
    assert ids(two)[:50] != ids(search(engine, text="fox", terms=TERMS))[:50]
    for hit in two.hits[:50]:
        assert hit.score == pytest.approx(whole[hit.id], rel=1e-5)
        assert hit.score == pytest.approx(hit.lexical + hit.latent, rel=1e-5)


def test_hits_below_the_window_keep_their_order_and_score(engine: ServerEngine) -> None:
    first = dict(list(TERMS.items())[:3])
    one = search(engine, text="fox", terms=first)
    two = search(engine, text="fox", terms=TERMS, first_terms=3, rescore_window=50)
    assert two.total == one.total > 150
    assert set(ids(two)[:50]) == set(ids(one)[:50])
    assert ids(two)[50:] == ids(one)[50:]
    assert [hit.score for hit in two.hits[50:]] == [hit.score for hit in one.hits[50:]]


@pytest.mark.parametrize("first", [8, 100])
def test_two_phases_with_all_terms_in_the_first_are_one(engine: ServerEngine, first: int) -> None:
    one = search(engine, terms=TERMS)
    assert scores(search(engine, terms=TERMS, first_terms=first)) == scores(one)


def test_what_needs_the_whole_score_at_once_has_one_phase(engine: ServerEngine) -> None:
    whole = scores(search(engine, terms=TERMS, first_terms=None))
    ordered = search(engine, terms=TERMS, first_terms=1, body={"sort": ["_doc"]})
    assert scores(ordered) == pytest.approx(whole, rel=1e-5)
    best = search(engine, terms=TERMS, first_terms=1, body={"collapse": {"field": "colour"}})
    assert len(best.hits) == len(COLOURS)
    assert best.hits[0].score == pytest.approx(max(whole.values()), rel=1e-5)
    least = sorted(whole.values())[-20]
    above = search(engine, terms=TERMS, first_terms=1, body={"min_score": least - 1e-4})
    assert 20 <= len(above.hits) < 30


def test_the_first_phase_may_be_words_alone(engine: ServerEngine) -> None:
    words = search(engine, text="fox")
    two = search(engine, text="fox", terms=TERMS, first_terms=0, rescore_window=400)
    assert set(ids(two)) == set(ids(words))
    whole = scores(search(engine, text="fox", terms=TERMS))
    assert scores(two) == pytest.approx({id: whole[id] for id in ids(words)}, rel=1e-5)


def test_both_phases_are_explained(engine: ServerEngine) -> None:
    two = search(engine, text="fox", terms=TERMS, first_terms=3, size=20, explain=True)
    names = {name for hit in two.hits for name in hit.term_scores}
    assert names == TERMS.keys() | {"title:fox", "body:fox"}
    for hit in two.hits:
        assert sum(hit.term_scores.values()) == pytest.approx(hit.score, rel=1e-5)


def test_weights_reach_both_phases(engine: ServerEngine) -> None:
    options: dict[str, Any] = {"text": "fox", "terms": TERMS, "first_terms": 3}
    two = search(engine, **options, lexical_weight=0.5, latent_weight=3.0, size=20)
    for hit in two.hits:
        assert hit.score == pytest.approx(0.5 * hit.lexical + 3.0 * hit.latent, rel=1e-5)


def test_a_query_of_filters_narrows_and_does_not_score(engine: ServerEngine) -> None:
    own = {
        "bool": {"filter": [{"term": {"colour": "red"}}], "must_not": {"range": {"n": {"lt": 9}}}}
    }
    narrowed = search(engine, text="fox", terms=TERMS, body={"query": own})
    whole = search(engine, text="fox", terms=TERMS)
    kept = [hit for hit in whole.hits if int(hit.id) % 3 == 0 and int(hit.id) >= 9]
    assert scores(narrowed) == {hit.id: hit.score for hit in kept}


def test_filters_of_both_sorts_hold_together(engine: ServerEngine) -> None:
    own = {"bool": {"filter": {"range": {"n": {"gte": 200}}}}}
    result = search(engine, text="fox", filters=(AnyOf("colour", ("blue",)),), body={"query": own})
    assert result.hits
    assert all(hit.source["colour"] == "blue" and hit.source["n"] >= 200 for hit in result.hits)


def test_a_scoring_query_decides_what_matches_and_counts_as_words(engine: ServerEngine) -> None:
    own = {"match": {"body": "owl"}}
    alone = search(engine, body={"query": own})
    merged = search(engine, text="fox", terms=TERMS, body={"query": own}, latent_weight=2.0)
    terms = scores(search(engine, terms=TERMS))
    words = scores(search(engine, text="fox"))
    assert set(ids(merged)) == set(ids(alone))
    for hit in merged.hits:
        lexical = scores(alone)[hit.id] + words.get(hit.id, 0.0)
        assert hit.lexical == pytest.approx(lexical, rel=1e-5)
        assert hit.latent == pytest.approx(terms.get(hit.id, 0.0), rel=1e-5)
        assert hit.score == pytest.approx(hit.lexical + 2 * hit.latent, rel=1e-5)


def test_a_filter_deep_inside_a_scoring_query_holds_for_latent_hits_too(
    engine: ServerEngine,
) -> None:
    inner = {"bool": {"must": [{"match_all": {}}], "filter": [{"term": {"colour": "green"}}]}}
    body = {"query": {"function_score": {"query": inner, "weight": 2}}}
    merged = search(engine, terms=TERMS, body=body)
    assert {hit.source["colour"] for hit in merged.hits} == {"green"}


def test_aggregations_are_those_of_the_whole_result(engine: ServerEngine) -> None:
    body = {"aggs": {"colours": {"terms": {"field": "colour"}}}}
    result = search(engine, text="fox", terms=TERMS, size=1, body=body)
    whole = Counter(h.source["colour"] for h in search(engine, text="fox", terms=TERMS).hits)
    buckets = result.extra["aggregations"]["colours"]["buckets"]
    assert {bucket["key"]: bucket["doc_count"] for bucket in buckets} == whole


def test_highlights_are_of_the_original_text(engine: ServerEngine) -> None:
    body = {"highlight": {"fields": {"*": {"number_of_fragments": 0}}}}
    result = search(engine, text="fox", terms=TERMS, size=20, body=body)
    marked = [hit for hit in result.hits if "highlight" in hit.extra]
    assert marked
    for hit in marked:
        assert hit.extra["highlight"].keys() <= {"title", "body"}
        (text,) = hit.extra["highlight"]["body"]
        assert text.replace("<em>fox</em>", "fox") == hit.source["body"]


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        (True, ["title", "body", "colour", "n"]),
        (False, []),
        (["title", "n"], ["title", "n"]),
        ("colour", ["colour"]),
        ({"excludes": ["body"]}, ["title", "colour", "n"]),
        (["*"], ["title", "body", "colour", "n"]),
    ],
)
def test_a_source_is_filtered_as_asked_and_never_holds_our_field(
    engine: ServerEngine, asked: Any, keys: list[str]
) -> None:
    (hit,) = search(engine, text="fox", size=1, body={"_source": asked}).hits
    assert sorted(hit.source) == sorted(keys)


def test_fields_asked_for_come_as_extras(engine: ServerEngine) -> None:
    (hit,) = search(engine, text="fox", size=1, body={"fields": ["*"], "_source": False}).hits
    assert hit.extra["fields"]["n"] == [int(hit.id)]
    assert not [name for name in hit.extra["fields"] if name.startswith("latent_terms")]


def test_names_of_the_users_own_queries_are_kept(engine: ServerEngine) -> None:
    own = {"match": {"body": {"query": "owl", "_name": "mine"}}}
    (hit,) = search(engine, text="fox", size=1, body={"query": own}).hits
    assert hit.extra["matched_queries"].keys() == {"mine"}


def test_pages_by_search_after_join_up(engine: ServerEngine) -> None:
    whole = search(engine, text="fox", terms=TERMS)
    sort = [{"_score": "desc"}, {"n": "asc"}]
    found: list[str] = []
    after: dict[str, Any] = {}
    while page := search(
        engine, text="fox", terms=TERMS, size=90, body={"sort": sort, **after}
    ).hits:
        found += [hit.id for hit in page]
        after = {"search_after": page[-1].extra["sort"]}
        assert page[0].score > 0
    assert len(found) == len(set(found)) == whole.total
    assert sorted(found) == sorted(ids(whole))


def test_a_point_in_time_is_searched_without_its_index(engine: ServerEngine, kind: str) -> None:
    where = "_search/point_in_time" if kind == "opensearch" else "_pit"
    opened = engine.cluster.request(
        "POST", f"/{engine.index}/{where}", params={"keep_alive": "1m"}
    ).body
    pit = {"id": opened.get("pit_id") or opened["id"], "keep_alive": "1m"}
    result = search(engine, text="fox", terms=TERMS, body={"pit": pit})
    assert ids(result) == ids(search(engine, text="fox", terms=TERMS))
    closing = {"pit_id": [pit["id"]]} if kind == "opensearch" else {"id": pit["id"]}
    engine.cluster.request("DELETE", f"/{where}", body=closing)


def test_a_sort_of_the_users_own_is_kept(engine: ServerEngine) -> None:
    result = search(engine, text="fox", terms=TERMS, size=30, body={"sort": [{"n": "desc"}]})
    numbers = [hit.source["n"] for hit in result.hits]
    assert numbers == sorted(numbers, reverse=True)


def test_counting_stops_where_asked(engine: ServerEngine) -> None:
    whole = search(engine, text="the a fox hen dog owl")
    assert whole.total_is_exact and whole.total > 390
    few = search(engine, text="the a fox hen dog owl", size=1, count_to=10)
    assert not few.total_is_exact
    assert 10 <= few.total < whole.total
    uncounted = search(engine, text="fox", size=1, count_to=0)
    assert (uncounted.total, uncounted.total_is_exact, len(uncounted.hits)) == (0, False, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"body": {"size": 3}}, "body has size: give size"),
        ({"body": {"from": 3, "rescore": []}}, "body has from, rescore"),
        ({"body": []}, r"body is a mapping, not \[\]"),
        ({"first_terms": -1}, "first_terms -1"),
        ({"rescore_window": 1.5}, "rescore_window 1.5"),
        ({"count_to": None}, "count_to None"),
        ({"fields": {"title": -1}}, "weight of title -1"),
    ],
)
def test_what_a_request_cannot_have_is_refused_at_once(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryRejected, match=message):
        SearchRequest(text="x", **options)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query": {"matchx": {}}}, "matchx"),
        ({"aggs": {"a": {"terms": {"field": "title"}}}}, "title"),
        ({"nonsense": 1}, "nonsense"),
        ({"query": {"bool": {"filter": {"range": {"n": {"gte": "soon"}}}}}}, "soon"),
        ({"sort": ["nowhere"]}, "nowhere"),
    ],
)
def test_what_the_server_refuses_is_refused_with_its_reason(
    engine: ServerEngine, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryRejected, match=f"refuses the query.*{message}"):
        search(engine, text="fox", body=body)


def test_too_many_clauses_are_counted_and_the_limit_is_named(
    engine: ServerEngine, kind: str
) -> None:
    limit = 1024 if kind == "opensearch" else "[0-9]+"
    terms = {f"t{i}": 1 for i in range(20_000)}
    with pytest.raises(QueryRejected, match=f"20000 latent terms.*allows {limit} clauses"):
        search(engine, terms=terms)
    words = " ".join(f"w{i}" for i in range(700 if kind == "opensearch" else 17_000))
    with pytest.raises(QueryRejected, match=f"words for each of 2 text.*allows {limit} clauses"):
        search(engine, text=words)


def test_two_models_are_searched_side_by_side_each_in_its_own_field(url: str) -> None:
    """While one takes over from the other; a query meets the terms of its own model only."""
    other = LatentField("aaaaaa111111", "other", "repeat", ("title",))
    with own_index(url, Schema(text=("title",), fingerprint=FINGERPRINT)) as engine:
        described = engine.describe_fully()
        meta = described.meta.with_field(other)
        update = mapping_update(described.mapping, meta, other)
        engine.cluster.request("PUT", f"/{engine.index}/_mapping", body=update)
        engine.add([Document("old", {"title": "x"}, {"t1": 1})])
        engine.add([Document("new", {"title": "x"}, {"t1": 1})], fingerprint=other.fingerprint)
        engine.refresh()
        engine.describe()
        for fingerprint, id in ((FINGERPRINT, "old"), (other.fingerprint, "new")):
            request = SearchRequest(terms={"t1": 1}, fingerprint=fingerprint)
            assert ids(engine.search(request)) == [id]
