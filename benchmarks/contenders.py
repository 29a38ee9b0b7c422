"""The searches of the engine benchmark: what is sent for each query, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from encoded import Encoded
from numpy.typing import NDArray
from representations import DENSE, FREQUENCIES, SPARSE, TERMS, document_frequencies, idf

from adapters.dialect.dialect import Dialect
from adapters.dialect.query import parts_of, search_body
from adapters.request import SearchRequest
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

SIZE = 10
CANDIDATES = 100  # of a k-NN search
FIRST_TERMS = (24, 32, 48, 64)
WINDOW = 200
TWO_PHASES = "latent-terms-benchmark-two-phases"  # a search pipeline of OpenSearch
LEXICAL, LATENT, COMBINED, KNN = "lexical", "latent", "combined", "k-NN"
COMMON = 0.5  # terms of more than this share of the documents


@dataclass(frozen=True)
class Query:
    id: str
    text: str
    terms: Mapping[str, int]
    """Most telling first."""
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Contender:
    name: str
    target: str
    """Path and parameters."""
    bodies: Sequence[bytes]
    """One a query."""


def contenders(
    engines: Mapping[str, ServerEngine],
    dialect: Dialect,
    encoded: Encoded,
    documents: int,
    queries: Sequence[Query],
) -> list[Contender]:
    """Every search returns the ten best documents, whole, but for what was added to them."""
    return [
        *_ours(engines, dialect, encoded, documents, queries),
        *_sparse(engines, dialect, encoded, documents, queries),
        _knn(engines[DENSE], dialect, queries),
    ]


def sparse_name(dialect: Dialect) -> str:
    return "sparse_vector" if dialect.distribution == "elasticsearch" else "neural_sparse"


def two_phases(first_terms: int) -> str:
    return f"{first_terms} terms, then rescore {WINDOW}"


def prepare(cluster: Cluster, dialect: Dialect) -> None:
    """OpenSearch's own two phases for neural_sparse, at their defaults."""
    if dialect.distribution == "opensearch":
        processor = {"neural_sparse_two_phase_processor": {"enabled": True}}
        cluster.request(
            "PUT", f"/_search/pipeline/{TWO_PHASES}", body={"request_processors": [processor]}
        )


def _ours(
    engines: Mapping[str, ServerEngine],
    dialect: Dialect,
    encoded: Encoded,
    documents: int,
    queries: Sequence[Query],
) -> list[Contender]:
    """The product's own requests; the words alone are asked of an index without latent terms."""
    words, terms = engines["words"], engines[TERMS]
    common = set(
        np.nonzero(document_frequencies(encoded, documents) > COMMON * documents)[0].tolist()
    )

    def text(query: Query) -> dict[str, Any]:
        return {"text": query.text}

    def latent(query: Query) -> dict[str, Any]:
        return {"terms": query.terms}

    def both(query: Query) -> dict[str, Any]:
        return text(query) | latent(query)

    def rarer(query: Query) -> dict[str, Any]:
        return {"terms": {t: n for t, n in query.terms.items() if int(t[1:]) not in common}}

    found = [
        _product(LEXICAL, words, dialect, queries, text),
        _product(f"{LEXICAL}, not counted", words, dialect, queries, text, count_to=0),
        _product(f"{LATENT}, not counted", terms, dialect, queries, latent, count_to=0),
        _product(f"{LATENT}, df <= {COMMON:.0%}", terms, dialect, queries, rarer),
    ]
    for name, asked in ((LATENT, latent), (COMBINED, both)):
        found.append(_product(name, terms, dialect, queries, asked))
        found += [
            _product(f"{name}, {two_phases(n)}", terms, dialect, queries, asked, first_terms=n)
            for n in FIRST_TERMS
        ]
    return found


def _product(
    name: str,
    engine: ServerEngine,
    dialect: Dialect,
    queries: Sequence[Query],
    asked: Callable[[Query], dict[str, Any]],
    first_terms: int | None = None,
    **options: Any,
) -> Contender:
    described = engine.describe_fully()
    field = described.meta.active_field
    bodies = []
    for query in queries:
        request = SearchRequest(
            size=SIZE,
            fingerprint=field.fingerprint if field else None,
            first_terms=first_terms,
            rescore_window=WINDOW,
            **asked(query),
            **options,
        )
        parts = parts_of(described, request, field.name if field else None)
        bodies.append(_json(search_body(dialect, described, request, parts)))
    target = f"/{engine.index}/_search?include_named_queries_score=true"
    return Contender(name, target, bodies)


def _sparse(
    engines: Mapping[str, ServerEngine],
    dialect: Dialect,
    encoded: Encoded,
    documents: int,
    queries: Sequence[Query],
) -> list[Contender]:
    rarity, name = idf(encoded, documents), sparse_name(dialect)
    weighted = [_scaled({t: n * rarity(t) for t, n in query.terms.items()}) for query in queries]
    plain = [_scaled(query.terms) for query in queries]

    def contender(label: str, field: str, parameters: str = "", **options: Any) -> Contender:
        asked = weighted if field == SPARSE else plain
        bodies = [_peer(field, _sparse_query(dialect, field, t, options)) for t in asked]
        return Contender(label, f"/{engines[field].index}/_search{parameters}", bodies)

    found = [contender(name, SPARSE), contender(f"{name}, frequencies", FREQUENCIES)]
    if dialect.distribution == "opensearch":
        pipeline = f"?search_pipeline={TWO_PHASES}"
        return [*found, contender(f"{name}, two phases", SPARSE, pipeline)]
    return [*found, contender(f"{name}, not pruned", SPARSE, prune=False)]


def _scaled(weights: Mapping[str, float]) -> dict[str, float]:
    """To 1 at most, which ranks the same: OpenSearch refuses what is over 64."""
    most = max(weights.values())
    return {term: weight / most for term, weight in weights.items()}


def _sparse_query(
    dialect: Dialect, field: str, tokens: dict[str, float], options: dict[str, Any]
) -> dict[str, Any]:
    if dialect.distribution == "elasticsearch":
        return {"sparse_vector": {"field": field, "query_vector": tokens, **options}}
    return {"neural_sparse": {field: {"query_tokens": tokens, **options}}}


def _knn(engine: ServerEngine, dialect: Dialect, queries: Sequence[Query]) -> Contender:
    bodies = []
    for query in queries:
        vector = query.vector.astype(np.float64).round(5).tolist()
        if dialect.distribution == "elasticsearch":
            asked = {"field": DENSE, "query_vector": vector, "k": SIZE}
            bodies.append(_json({"knn": asked | {"num_candidates": CANDIDATES}} | _hits(DENSE)))
        else:
            asked = {DENSE: {"vector": vector, "k": CANDIDATES}}
            bodies.append(_peer(DENSE, {"knn": asked}))
    return Contender(KNN, f"/{engine.index}/_search", bodies)


def _peer(field: str, query: dict[str, Any]) -> bytes:
    return _json({"query": query} | _hits(field))


def _hits(field: str) -> dict[str, Any]:
    return {"size": SIZE, "_source": {"excludes": [field]}}


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
