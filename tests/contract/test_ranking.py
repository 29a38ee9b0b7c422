"""Scores: BM25 of words and latent terms, put together, and what each part contributes."""

from __future__ import annotations

import math
import random
from collections import Counter

import pytest

from adapters import AnyOf, Document, Engine, Schema, SearchRequest, SearchResult
from adapters.errors import ModelMismatch

TEXTS = {
    "a": "red fox jumps over red fence",
    "b": "red wine",
    "c": "blue fence and blue gate and blue door",
    "d": "green",
    "e": "grey fox",
}


def bm25(query: Counter[str], text: str) -> float:
    """Lucene's formula with k1 1.2 and b 0.75 over TEXTS (short enough for exact lengths)."""
    corpus = [t.split() for t in TEXTS.values()]
    average = sum(map(len, corpus)) / len(corpus)
    words = text.split()
    score = 0.0
    for word, weight in query.items():
        n = sum(word in other for other in corpus)
        idf = math.log(1 + (len(corpus) - n + 0.5) / (n + 0.5))
        tf = words.count(word)
        score += weight * idf * tf / (tf + 1.2 * (0.25 + 0.75 * len(words) / average))
    return score


def random_corpus(schema: Schema, n: int = 300) -> list[Document]:
    """Documents whose body is their latent terms spelled out."""
    rng = random.Random(7)
    documents = []
    for i in range(n):
        terms = Counter(f"t{int(200 * rng.random() ** 2)}" for _ in range(rng.randint(1, 60)))
        source = {"title": f"word{i % 7}", "body": " ".join(terms.elements())}
        documents.append(Document(str(i), source, dict(terms)))
    return documents


def scores(result: SearchResult) -> dict[str, float]:
    return {hit.id: hit.score for hit in result.hits}


def latent(terms: dict[str, int], schema: Schema, **options: int) -> SearchRequest:
    return SearchRequest(terms=terms, fingerprint=schema.fingerprint, size=1000, **options)


@pytest.mark.parametrize("query", ["red", "fox fence", "fox fox fence blue", "green red red red"])
def test_words_are_scored_by_bm25(engine: Engine, query: str) -> None:
    engine.add(Document(id, {"body": text}) for id, text in TEXTS.items())
    engine.refresh()
    found = scores(engine.search(SearchRequest(text=query, fields=("body",))))
    expected = {id: bm25(Counter(query.split()), text) for id, text in TEXTS.items()}
    expected = {id: score for id, score in expected.items() if score > 0}
    assert found.keys() == expected.keys()
    (constant, *others) = [found[id] / expected[id] for id in found]
    assert others == pytest.approx([constant] * len(others), rel=1e-5)


def test_latent_terms_are_scored_by_bm25(engine: Engine, schema: Schema) -> None:
    engine.add(Document(id, {}, Counter(text.split())) for id, text in TEXTS.items())
    engine.refresh()
    query = {"red": 3, "fox": 1, "fence": 2}
    found = scores(engine.search(latent(query, schema)))
    ratios = [found[id] / bm25(Counter(query), TEXTS[id]) for id in found]
    assert found.keys() == {"a", "b", "c", "e"}
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-5)


def test_a_frequency_in_the_query_scores_like_as_many_repetitions(
    engine: Engine, schema: Schema
) -> None:
    """Repeated words on the lexical side, frequencies on the latent side, one and the same text."""
    engine.add(random_corpus(schema))
    engine.refresh()
    query = {"t3": 1, "t40": 3, "t7": 7, "t111": 2}
    spelled = " ".join(Counter(query).elements())
    repeated = engine.search(SearchRequest(text=spelled, fields=("body",), size=1000))
    boosted = engine.search(latent(query, schema))
    assert repeated.total == boosted.total > 100
    assert scores(repeated) == pytest.approx(scores(boosted), rel=1e-6)


def test_a_weight_multiplies_like_repeating_the_whole_query(engine: Engine, schema: Schema) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    once = {"t3": 1, "t40": 3}
    weighted = latent(once, schema, latent_weight=5)
    repeated = latent({term: 5 * n for term, n in once.items()}, schema)
    assert scores(engine.search(weighted)) == pytest.approx(
        scores(engine.search(repeated)), rel=1e-6
    )


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.3, 2.5), (4.0, 1.0)])
def test_the_parts_of_a_combined_score_add_up(
    engine: Engine, schema: Schema, weights: tuple[float, float]
) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    lexical_weight, latent_weight = weights
    request = SearchRequest(
        text="word3 t5",
        terms={"t3": 1, "t40": 3},
        fingerprint=schema.fingerprint,
        lexical_weight=lexical_weight,
        latent_weight=latent_weight,
        size=1000,
    )
    combined = engine.search(request)
    words = scores(engine.search(SearchRequest(text="word3 t5", size=1000)))
    terms = scores(engine.search(latent({"t3": 1, "t40": 3}, schema)))
    assert {hit.id for hit in combined.hits} == words.keys() | terms.keys()
    assert words.keys() - terms.keys() and terms.keys() - words.keys()
    for hit in combined.hits:
        assert hit.score == pytest.approx(
            lexical_weight * hit.lexical + latent_weight * hit.latent, rel=1e-5
        )
        assert hit.lexical == pytest.approx(words.get(hit.id, 0.0), rel=1e-5)
        assert hit.latent == pytest.approx(terms.get(hit.id, 0.0), rel=1e-5)


def test_a_part_with_weight_0_is_left_out(engine: Engine, schema: Schema) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    both = SearchRequest(
        text="word3",
        terms={"t150": 1},
        fingerprint=schema.fingerprint,
        lexical_weight=0,
        size=1000,
    )
    result = engine.search(both)
    assert scores(result) == scores(engine.search(latent({"t150": 1}, schema)))
    assert {hit.lexical for hit in result.hits} == {0.0}


def test_explaining_names_every_term_and_its_part_of_the_score(
    engine: Engine, schema: Schema
) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    request = SearchRequest(
        text="word3 t5 nowhere",
        terms={"t3": 2, "t40": 1, "t9999": 1},
        fingerprint=schema.fingerprint,
        lexical_weight=0.5,
        latent_weight=3.0,
        size=50,
        explain=True,
    )
    names: set[str] = set()
    for hit in engine.search(request).hits:
        assert sum(hit.term_scores.values()) == pytest.approx(hit.score, rel=1e-5)
        assert list(hit.term_scores.values()) == sorted(hit.term_scores.values(), reverse=True)
        latent_part = sum(s for name, s in hit.term_scores.items() if ":" not in name)
        assert latent_part == pytest.approx(3.0 * hit.latent, rel=1e-5)
        names |= hit.term_scores.keys()
    assert names == {"title:word3", "body:t5", "t3", "t40"}


def test_without_explain_there_are_no_term_scores(engine: Engine) -> None:
    engine.add([Document("a", {"title": "x"})])
    engine.refresh()
    assert engine.search(SearchRequest(text="x")).hits[0].term_scores == {}


def test_hits_are_ranked_from_1_and_pages_join_up(engine: Engine, schema: Schema) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    whole = engine.search(latent({"t3": 1, "t40": 3}, schema))
    assert [hit.rank for hit in whole.hits] == list(range(1, whole.total + 1))
    assert list(scores(whole).values()) == sorted(scores(whole).values(), reverse=True)
    pages = []
    for offset in range(0, whole.total + 7, 7):
        request = SearchRequest(
            terms={"t3": 1, "t40": 3}, fingerprint=schema.fingerprint, size=7, offset=offset
        )
        page = engine.search(request)
        assert page.total == whole.total
        pages.extend(page.hits)
    assert [(hit.id, hit.rank) for hit in pages] == [(hit.id, hit.rank) for hit in whole.hits]


def test_size_0_counts_only(engine: Engine) -> None:
    engine.add(Document(str(i), {"title": "x"}) for i in range(5))
    engine.refresh()
    result = engine.search(SearchRequest(text="x", size=0))
    assert (result.hits, result.total) == ((), 5)


def test_empty_terms_match_nothing(engine: Engine, schema: Schema) -> None:
    engine.add([Document("a", {"title": "red"}, {"t1": 1})])
    engine.refresh()
    assert engine.search(latent({}, schema)).total == 0


def test_neither_text_nor_terms_lists_everything_that_passes_the_filters(engine: Engine) -> None:
    engine.add(Document(str(i), {"title": "x", "tag": f"t{i % 2}"}) for i in range(6))
    engine.refresh()
    assert engine.search(SearchRequest()).total == 6
    result = engine.search(SearchRequest(filters=(AnyOf("tag", ("t1",)),)))
    assert scores(result) == {"1": 0.0, "3": 0.0, "5": 0.0}
    assert [(hit.lexical, hit.latent) for hit in result.hits] == [(0.0, 0.0)] * 3


def test_a_thousand_terms_are_a_query(engine: Engine, schema: Schema) -> None:
    engine.add(random_corpus(schema))
    engine.refresh()
    query = {f"t{i}": 1 + i % 3 for i in range(1000)}
    some = {term: n for term, n in query.items() if int(term[1:]) < 200}
    assert scores(engine.search(latent(query, schema))) == pytest.approx(
        scores(engine.search(latent(some, schema))), rel=1e-5
    )
    words = " ".join(f"t{i}" for i in range(1000))
    assert engine.search(SearchRequest(text=words, fields=("body",))).total == 300


def test_terms_of_another_model_are_refused(engine: Engine) -> None:
    for fingerprint in ("aaaaaaaaaaaa", None):
        with pytest.raises(ModelMismatch, match="3f9a1c0b77de"):
            engine.search(SearchRequest(terms={"t1": 1}, fingerprint=fingerprint))
