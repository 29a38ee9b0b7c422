"""Same documents, same queries: embedded, OpenSearch and Elasticsearch rank alike.

Real text that is on every machine: the documentation strings of Python's standard library. Absolute
scores differ by a constant: Elasticsearch, and OpenSearch before 3, multiply BM25 by k1 + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from adapters import Document, Engine, Hit, Schema, SearchRequest, connect
from adapters.search import Mode
from latent_terms import TermEncoder, load
from latent_terms.commands.docstrings import Docstring, docstrings, standard_library

from .own_index import own_index

pytestmark = pytest.mark.engine

N_DOCUMENTS = 2_000
N_QUERIES = 100
DEPTH = 100
ENCODED_WORDS = 16  # of a document: enough for its latent terms to be like real ones, and quick
QUERY_WORDS = 9
SAME = 2e-5  # engines add up in different orders, in 32 bits


@pytest.fixture(scope="module")
def texts() -> list[Docstring]:
    found = list(docstrings(standard_library(), limit=N_DOCUMENTS + N_QUERIES))
    assert len(found) == N_DOCUMENTS + N_QUERIES
    return found


@pytest.fixture(scope="module")
def encoder() -> TermEncoder:
    return load()


@pytest.fixture(scope="module")
def documents(texts: list[Docstring], encoder: TermEncoder) -> list[Document]:
    indexed = texts[:N_DOCUMENTS]
    beginnings = (" ".join(found.text.split()[:ENCODED_WORDS]) for found in indexed)
    return [
        Document(found.name, {"name": found.name, "text": found.text, "kind": found.kind}, terms)
        for found, terms in zip(indexed, encoder.encode_documents(beginnings), strict=True)
    ]


@pytest.fixture(scope="module")
def queries(texts: list[Docstring], encoder: TermEncoder) -> list[SearchRequest]:
    """Beginnings of texts that are not in the index."""
    beginnings = (" ".join(found.text.split()[:QUERY_WORDS]) for found in texts[N_DOCUMENTS:])
    return [
        SearchRequest(
            text=text,
            terms=encoder.encode_query(text),
            fingerprint=encoder.fingerprint,
            size=DEPTH,
            first_terms=None,  # as the embedded engine does
        )
        for text in beginnings
    ]


@pytest.fixture(scope="module")
def engines(
    opensearch_url: str,
    elasticsearch_url: str,
    documents: list[Document],
    encoder: TermEncoder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Engine]]:
    schema = Schema(text=("name", "text"), keyword=("kind",), fingerprint=encoder.fingerprint)
    folder: Path = tmp_path_factory.mktemp("ranking") / "index"
    with ExitStack() as stack:
        embedded = stack.enter_context(connect(folder))
        embedded.create(schema)
        engines: dict[str, Engine] = {
            "embedded": embedded,
            "opensearch": stack.enter_context(own_index(opensearch_url, schema)),
            "elasticsearch": stack.enter_context(own_index(elasticsearch_url, schema)),
        }
        for engine in engines.values():
            assert engine.add(documents) == N_DOCUMENTS
            engine.refresh()
        yield engines


@pytest.mark.parametrize("mode", ["lexical", "latent", "combined"])
def test_the_three_engines_rank_alike(
    engines: dict[str, Engine], queries: list[SearchRequest], mode: Mode
) -> None:
    left_out: dict[Mode, dict[str, None]] = {"lexical": {"terms": None}, "latent": {"text": None}}
    compared = 0
    for query in queries:
        request = replace(query, **left_out.get(mode, {}))
        hits = {name: engine.search(request).hits for name, engine in engines.items()}
        for name in ("opensearch", "elasticsearch"):
            compared += check_same(hits["embedded"], hits[name], f"{name}, {mode}: {query.text!r}")
    assert compared > 2 * N_QUERIES * DEPTH * 0.8


def check_same(expected: tuple[Hit, ...], found: tuple[Hit, ...], where: str) -> int:
    """Same documents with the same scores but for a constant, so in the same order but for ties.

    Which of several documents with the last score made it into the list is a matter of ties, too.
    """
    assert len(expected) == len(found), where
    if not expected:
        return 0
    constant = expected[0].score / found[0].score
    scores = {hit.id: hit.score * constant for hit in found}
    last = expected[-1].score * (1 + SAME) if len(expected) == DEPTH else 0.0
    for hit in expected:
        if hit.score > last:
            assert scores[hit.id] == pytest.approx(hit.score, rel=SAME), f"{where}: {hit.id}"
    surely = {hit.id for hit in expected if hit.score > last}
    assert {id for id, score in scores.items() if score > last * (1 + SAME)} <= surely, where
    for ranking in (expected, found):
        assert [h.score for h in ranking] == sorted((h.score for h in ranking), reverse=True)
    return len(surely)
