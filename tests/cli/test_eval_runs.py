from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from latent_terms.commands.eval_runs import evaluate
from latent_terms.evaluation import MEASURES, RUNS, Collection, CollectionError
from latent_terms.testing import hash_encoder

from .beir import write_collection

DOCUMENTS = {
    "wing span": "the wing of an aeroplane makes lift",
    "d2": "bread is baked from flour and water",
    "d3": "a submarine dives under water",
    "d4": "an engine burns fuel",
    "d5": "lift",
}
QUERIES = {"q 1": "what makes lift", "q2": "submarine under water", "q3": "baked bread"}
QRELS = {"q 1": {"wing span": 1}, "q2": {"d3": 2, "d2": 1}, "q3": {"d2": 1}}


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection.read(write_collection(tmp_path / "tiny", DOCUMENTS, QUERIES, QRELS))


def test_every_run_has_every_measure_of_every_query(collection: Collection) -> None:
    found = evaluate(collection, hash_encoder())

    assert tuple(found.values) == RUNS
    for measured in found.values.values():
        assert set(measured) == set(MEASURES)
        assert all(by_query.keys() == QUERIES.keys() for by_query in measured.values())
    assert found.documents == len(DOCUMENTS)


def test_words_and_terms_find_what_shares_words_with_the_query(collection: Collection) -> None:
    means = evaluate(collection, hash_encoder()).means()

    for run in ("latent", "combined"):
        assert means[run]["recall@10"] == 1, run
        assert means[run]["mrr@10"] == 1, run
    assert means["lexical"]["recall@10"] == 1


def test_the_cost_of_terms_is_counted_over_this_collection(collection: Collection) -> None:
    encoder = hash_encoder()
    documents = list(encoder.encode_documents(DOCUMENTS.values()))
    queries = list(encoder.encode_queries(QUERIES.values()))

    found = evaluate(collection, encoder, runs=("latent",))

    assert found.terms_per_document == pytest.approx(fmean(map(len, documents)))
    assert found.terms_per_query == pytest.approx(fmean(map(len, queries)))
    postings = [
        sum(term in document for term in query for document in documents) for query in queries
    ]
    assert found.postings_per_query == pytest.approx(fmean(postings))


def test_the_dense_run_is_the_exact_cosine(collection: Collection) -> None:
    encoder = hash_encoder()
    documents = np.stack(list(encoder.embed_documents(DOCUMENTS.values())))
    query = next(iter(encoder.embed_queries([QUERIES["q 1"]])))
    rank = 1 + sorted(documents @ query, reverse=True).index((documents @ query)[0])

    found = evaluate(collection, encoder, runs=("dense",))

    assert found.values["dense"]["mrr@10"]["q 1"] == pytest.approx(1 / rank)


def test_only_the_runs_asked_for_are_made(collection: Collection) -> None:
    found = evaluate(collection, hash_encoder(), runs=("lexical",))

    assert list(found.values) == ["lexical"]
    assert found.terms_per_document is found.terms_per_query is found.postings_per_query is None


def test_weights_concern_the_combined_run_only(tmp_path: Path) -> None:
    """Words prefer the document with nine wings; latent terms count their square root."""
    filler = " ".join(f"filler{number}" for number in range(16))
    documents = {"nine": "wing " * 9 + filler, "one": "wing tip", "none": "bread and water"}
    folder = write_collection(tmp_path / "wings", documents, {"1": "wing"}, {"1": {"one": 1}})

    runs, alone = ("lexical", "latent", "combined"), {"lexical": 1 / 2, "latent": 1}
    assert mrr(folder, runs, latent_weight=0) == {**alone, "combined": 1 / 2}
    assert mrr(folder, runs, lexical_weight=0) == {**alone, "combined": 1}


def mrr(folder: Path, runs: Sequence[str], **weights: float) -> dict[str, float]:
    means = evaluate(Collection.read(folder), hash_encoder(), runs=runs, **weights).means()
    return {run: measured["mrr@10"] for run, measured in means.items()}


def test_the_english_analyzer_finds_other_forms_of_a_word(tmp_path: Path) -> None:
    folder = write_collection(
        tmp_path / "forms", {"d": "wings", "other": "wheel"}, {"q": "wing"}, {"q": {"d": 1}}
    )
    collection = Collection.read(folder)

    for analyzer, recall in (("standard", 0), ("english", 1)):
        found = evaluate(collection, hash_encoder(), runs=("lexical",), analyzer=analyzer)
        assert found.means()["lexical"]["recall@10"] == recall, analyzer


def test_a_document_that_is_the_query_is_no_hit_and_one_with_its_id_is(tmp_path: Path) -> None:
    """ArguAna asks with documents of the corpus; in Cranfield query 1 and document 1 differ."""
    text = "wings make lift"
    documents = {"1": f"title {text}", "2": f"{text} and drag", "3": "bread"}
    copied = write_collection(tmp_path / "copied", documents, {"1": text}, {"1": {"2": 1}})
    assert mrr(copied, RUNS) == dict.fromkeys(RUNS, 1)

    documents["1"] = f"{text} {text} when air flows"
    named = write_collection(tmp_path / "named", documents, {"1": text}, {"1": {"1": 1}})
    assert min(mrr(named, RUNS).values()) > 0


def test_a_collection_of_another_corpus_is_refused(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "wrong", {"x": "a", "y": "b"}, QUERIES, QRELS)

    with pytest.raises(CollectionError, match="holds none of the"):
        evaluate(Collection.read(folder), hash_encoder(), runs=("lexical",))
