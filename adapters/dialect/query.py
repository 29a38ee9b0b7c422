"""Search bodies: one request for words, latent terms, filters and the user's own query. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..request import SearchRequest
from .dialect import Dialect
from .filters import filter_clause
from .schema import Described

Clause = dict[str, Any]

# names of the parts, under which a server reports their scores
WORDS = "latent-terms:words"
TERMS = "latent-terms:terms"
QUERY = "latent-terms:query"

_NARROWING = {"filter", "must_not"}
# sorted or collapsed hits cannot be rescored, and min_score is compared before it
_NOT_RESCORED = {"sort", "collapse", "min_score"}


class Parts(NamedTuple):
    """What makes up the score; empty where the request does not have it."""

    words: list[Clause]
    terms: list[Clause]
    rest: list[Clause]
    """Terms that are left for the rescoring."""
    query: Clause | None
    """The user's own."""

    @property
    def scored(self) -> int:
        """How many of them there are."""
        return bool(self.words) + bool(self.terms or self.rest) + (self.query is not None)


def parts_of(described: Described, request: SearchRequest, field: str | None) -> Parts:
    """`field` holds the latent terms of the request's model."""
    query = _own_query(request)
    terms = _terms(request, field)
    first = len(terms) if _in_one_phase(request) else request.first_terms
    return Parts(
        words=_words(described, request),
        terms=terms[:first],
        rest=terms[first:],
        query=None if query is None or _only_narrows(query) else query,
    )


def without_field(name: str) -> Clause:
    """Documents that lack the field."""
    return {"bool": {"must_not": [{"exists": {"field": name}}]}}


def with_field(name: str) -> Clause:
    """Documents that have the field, be it empty: OpenSearch does not count those by `exists`."""
    return {"bool": {"must_not": [without_field(name)]}}


def matches_nothing(request: SearchRequest, parts: Parts) -> bool:
    """Words or terms were asked for, and there are none."""
    asked = request.text is not None or request.terms is not None
    return asked and not (parts.words or parts.terms or parts.query)


def search_body(
    dialect: Dialect, described: Described, request: SearchRequest, parts: Parts
) -> dict[str, Any]:
    own = dict(request.body or {})
    body = {
        **own,
        "query": _query(described, request, parts),
        "size": request.size,
        "from": request.offset,
        "track_total_hits": request.count_to or False,
        "_source": _source(own.get("_source", True), dialect, described),
    }
    if request.explain:
        body["explain"] = True
    if "sort" in own:
        body.setdefault("track_scores", True)
    if "search_after" in own:
        del body["from"]
    if parts.rest:
        body["rescore"] = {
            "window_size": max(request.rescore_window, 1),
            "query": {"rescore_query": {"bool": {"should": parts.rest}}},
        }
    return body


def _query(described: Described, request: SearchRequest, parts: Parts) -> Clause:
    # a name costs a second look at every clause, for each hit: only where its score is read
    named = parts.scored > 1
    words = _any_of(parts.words, WORDS if named else None)
    terms = _any_of(parts.terms, TERMS if named and not parts.rest else None)
    # pure disjunctions side by side: Lucene flattens them and skips what cannot compete
    should = [part for part, some in ((words, parts.words), (terms, parts.terms)) if some]
    whole: Clause = {
        "filter": [filter_clause(described.wide, condition) for condition in request.filters]
    }
    own = _own_query(request)
    if parts.query is not None:
        whole["must"] = [_weighted_query(parts.query, request.lexical_weight)]
    elif own is not None:
        whole["filter"].append(own)
    if should:
        whole |= {"should": should, "minimum_should_match": 0 if parts.query else 1}
    if not should and not parts.query:
        whole["filter"].append({"match_none": {}} if matches_nothing(request, parts) else _ALL)
    return {"bool": whole}


_ALL: Clause = {"match_all": {}}


def _words(described: Described, request: SearchRequest) -> list[Clause]:
    if request.text is None or not request.lexical_weight:
        return []
    default = [name for name in described.schema.text if name in described.wide.text]
    return [
        {"match": {name: {"query": request.text, "boost": weight * request.lexical_weight}}}
        for name, weight in request.weighted_fields(default).items()
        if weight
    ]


def _terms(request: SearchRequest, field: str | None) -> list[Clause]:
    if not request.terms or not request.latent_weight or field is None:
        return []
    return [
        {"term": {field: {"value": term, "boost": n * request.latent_weight}}}
        for term, n in request.terms.items()
    ]


def _in_one_phase(request: SearchRequest) -> bool:
    return request.first_terms is None or not _NOT_RESCORED.isdisjoint(request.body or {})


def _own_query(request: SearchRequest) -> Clause | None:
    return None if request.body is None else request.body.get("query")


def _only_narrows(query: Mapping[str, Any]) -> bool:
    inner = query.get("bool")
    return set(query) == {"bool"} and isinstance(inner, Mapping) and set(inner) <= _NARROWING


def _weighted_query(query: Clause, weight: float) -> Clause:
    return {"bool": {"must": [query], "boost": weight, "_name": QUERY}}


def _any_of(clauses: list[Clause], name: str | None) -> Clause:
    return {"bool": {"should": clauses} | ({"_name": name} if name else {})}


def _source(asked: Any, dialect: Dialect, described: Described) -> Any:
    """Without the latent fields, or with them where leaving them out would mix up the keys: they
    are taken out of the answer then. (Names, no pattern: a pattern mixes them up everywhere.)"""
    ours = [field.name for field in described.meta.fields]
    if asked is True:
        return {"excludes": ours} if dialect.keeps_order and ours else True
    if isinstance(asked, str | list):
        return {"includes": _listed(asked), "excludes": ours}
    if isinstance(asked, Mapping):
        excludes = _listed(asked.get("excludes") or asked.get("exclude") or [])
        includes = _listed(asked.get("includes") or asked.get("include") or [])
        return {"includes": includes, "excludes": [*excludes, *ours]}
    return asked


def _listed(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
