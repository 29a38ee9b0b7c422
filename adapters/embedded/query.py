"""A search request as tantivy queries, and tantivy's answer as hits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import tantivy

from ..filters import ID_FIELD, AnyOf, Filter, NumberBounds, resolve
from ..request import SearchRequest
from ..types import Hit, SearchResult
from ..values import without_surrogates
from .mapping import INDEX_OPTION, TantivyMapping, stored_id, stored_source

Address = tuple[int, int]  # segment and document in it, valid for one searcher


@dataclass(frozen=True)
class Clause:
    """One word or term of the query."""

    name: str
    query: tantivy.Query
    """Scored by BM25 times the frequency in the query."""


@dataclass(frozen=True)
class Part:
    """The lexical or the latent half of a request."""

    weight: float
    clauses: tuple[Clause, ...]

    def query(self) -> tantivy.Query:
        return _any_of(clause.query for clause in self.clauses)

    def weighted(self) -> list[Clause]:
        return [Clause(c.name, _boosted(c.query, self.weight)) for c in self.clauses]


def run(
    searcher: tantivy.Searcher, mapping: TantivyMapping, request: SearchRequest
) -> SearchResult:
    """Expects a request that fits the schema (`check_request`)."""
    lexical, latent = _lexical(mapping, request), _latent(mapping, request)
    clauses = lexical.weighted() + latent.weighted()
    if clauses:
        query = _any_of(clause.query for clause in clauses)
    elif request.text is None and request.terms is None:
        query = _unscored(tantivy.Query.all_query())
    else:
        return SearchResult(hits=(), total=0)
    query = _narrowed(query, [_filter(mapping, condition) for condition in request.filters])
    found = searcher.search(query, limit=max(request.size, 1), offset=request.offset)
    hits = _hits(searcher, mapping, request, found.hits[: request.size], (lexical, latent))
    return SearchResult(hits=hits, total=found.count)  # type: ignore[attr-defined]


def matching(mapping: TantivyMapping, field: str, values: Iterable[str]) -> tantivy.Query:
    """Documents whose unanalysed field has one of the values."""
    wanted = [without_surrogates(value) for value in values]
    if not wanted:
        return tantivy.Query.empty_query()
    return tantivy.Query.term_set_query(mapping.fields, field, wanted)


def _lexical(mapping: TantivyMapping, request: SearchRequest) -> Part:
    if request.text is None or not request.lexical_weight:
        return Part(request.lexical_weight, ())
    words = mapping.words(request.text)
    return Part(
        request.lexical_weight,
        tuple(
            Clause(f"{field}:{word}", _scored(mapping, field, word, frequency * weight))
            for field, weight in request.weighted_fields(mapping.schema.text).items()
            if weight
            for word, frequency in words.items()
        ),
    )


def _latent(mapping: TantivyMapping, request: SearchRequest) -> Part:
    field = mapping.schema.terms_field
    if not request.terms or not request.latent_weight or field is None:
        return Part(request.latent_weight, ())
    return Part(
        request.latent_weight,
        tuple(Clause(t, _scored(mapping, field, t, n)) for t, n in request.terms.items()),
    )


def _hits(
    searcher: tantivy.Searcher,
    mapping: TantivyMapping,
    request: SearchRequest,
    found: list[tuple[float, tantivy.DocAddress]],
    parts: tuple[Part, Part],
) -> tuple[Hit, ...]:
    documents = [searcher.doc(address) for _, address in found]
    narrow = _Rescorer(searcher, matching(mapping, ID_FIELD, map(stored_id, documents)), len(found))
    lexical, latent = (_part_scores(part, parts, found, narrow) for part in parts)
    explained = _term_scores(parts, narrow) if request.explain else {}
    return tuple(
        Hit(
            id=stored_id(document),
            score=score,
            rank=request.offset + position,
            source=stored_source(document),
            lexical=lexical.get(_key(address), 0.0),
            latent=latent.get(_key(address), 0.0),
            term_scores=explained.get(_key(address), {}),
        )
        for position, ((score, address), document) in enumerate(
            zip(found, documents, strict=True), start=1
        )
    )


class _Rescorer:
    """Scores again the documents that were found, by another query."""

    def __init__(self, searcher: tantivy.Searcher, among: tantivy.Query, n: int) -> None:
        self._searcher = searcher
        self._among = among
        self._n = n

    def scores(self, query: tantivy.Query) -> dict[Address, float]:
        if not self._n:
            return {}
        found = self._searcher.search(_narrowed(query, [self._among]), limit=self._n, count=False)
        return {_key(address): score for score, address in found.hits}


def _part_scores(
    part: Part,
    parts: tuple[Part, Part],
    found: list[tuple[float, tantivy.DocAddress]],
    narrow: _Rescorer,
) -> dict[Address, float]:
    if not part.clauses:
        return {}
    if not all(other.clauses for other in parts):  # alone, it made the whole score
        return {_key(address): score / part.weight for score, address in found}
    return narrow.scores(part.query())


def _term_scores(parts: tuple[Part, Part], narrow: _Rescorer) -> dict[Address, Mapping[str, float]]:
    by_document: dict[Address, dict[str, float]] = {}
    for part in parts:
        for clause in part.weighted():
            for address, score in narrow.scores(clause.query).items():
                by_document.setdefault(address, {})[clause.name] = score
    return {
        address: dict(sorted(scores.items(), key=lambda item: -item[1]))
        for address, scores in by_document.items()
    }


def _filter(mapping: TantivyMapping, condition: Filter) -> tantivy.Query:
    resolved = resolve(mapping.schema, condition)
    if isinstance(resolved, AnyOf):
        return matching(mapping, resolved.field, resolved.values)
    is_number = isinstance(resolved, NumberBounds)
    return tantivy.Query.range_query(
        mapping.fields,
        resolved.field,
        tantivy.FieldType.Float if is_number else tantivy.FieldType.Integer,
        resolved.lower,
        resolved.upper,
        resolved.include_lower,
        resolved.include_upper,
    )


def _scored(mapping: TantivyMapping, field: str, word: str, boost: float) -> tantivy.Query:
    query = tantivy.Query.term_query(mapping.fields, field, word, INDEX_OPTION)
    return _boosted(query, boost)


def _boosted(query: tantivy.Query, factor: float) -> tantivy.Query:
    return query if factor == 1 else tantivy.Query.boost_query(query, factor)


def _any_of(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


def _narrowed(query: tantivy.Query, filters: list[tantivy.Query]) -> tantivy.Query:
    if not filters:
        return query
    conditions = [(tantivy.Occur.Must, _unscored(condition)) for condition in filters]
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), *conditions])


def _key(address: tantivy.DocAddress) -> Address:
    return address.segment_ord, address.doc
