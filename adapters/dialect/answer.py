"""Hits out of a server's answer to a search. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..request import SearchRequest
from ..types import Hit, SearchResult, Source
from .dialect import is_reserved
from .query import QUERY, TERMS, WORDS, Parts

_WEIGHT = re.compile(r"weight\((?:Synonym\()?(?P<field>[^:\s]+):(?P<term>.+) in \d+\)", re.DOTALL)
_OF_THE_HIT = {"_index", "_id", "_score", "_source", "_explanation", "_type", "_shard", "_node"}
_OF_THE_ANSWER = {"took", "_shards", "hits", "timed_out", "num_reduce_phases"}


def read_result(answer: Mapping[str, Any], request: SearchRequest, parts: Parts) -> SearchResult:
    found = answer["hits"]
    total = found.get("total", {"value": 0, "relation": "gte"})
    return SearchResult(
        hits=tuple(
            _hit(hit, rank, request, parts)
            for rank, hit in enumerate(found["hits"], start=request.offset + 1)
        ),
        total=total["value"],
        total_is_exact=total["relation"] == "eq",
        extra={key: value for key, value in answer.items() if key not in _OF_THE_ANSWER},
    )


def own_source(source: Mapping[str, Any] | None) -> Source:
    """The document as the user knows it, without our fields."""
    return {key: value for key, value in (source or {}).items() if not is_reserved(key)}


def _hit(found: Mapping[str, Any], rank: int, request: SearchRequest, parts: Parts) -> Hit:
    score = found.get("_score") or 0.0
    lexical, latent = _shares(found, score, request, parts)
    extra = {key: value for key, value in found.items() if key not in _OF_THE_HIT}
    for key in extra.keys() & {"highlight", "fields"}:  # asked for by a pattern, ours match too
        extra[key] = own_source(extra[key])
    extra = {key: value for key, value in extra.items() if value != {}}
    names = _own_names(extra.pop("matched_queries", {}))
    return Hit(
        id=found["_id"],
        score=score,
        rank=rank,
        source=own_source(found.get("_source")),
        lexical=lexical,
        latent=latent,
        term_scores=_term_scores(found["_explanation"]) if request.explain else {},
        extra=extra | ({"matched_queries": names} if names else {}),
    )


def _shares(
    found: Mapping[str, Any], score: float, request: SearchRequest, parts: Parts
) -> tuple[float, float]:
    """BM25 of the words and of the terms, before their weights."""
    if parts.scored > 1 or parts.rest:
        named = found.get("matched_queries") or {}
        lexical = named.get(WORDS, 0.0) + named.get(QUERY, 0.0)
        # what a rescoring adds has no name on every server; it is all the rest of the score
        latent = max(score - lexical, 0.0) if parts.rest else named.get(TERMS, 0.0)
    elif parts.terms:
        lexical, latent = 0.0, score
    else:
        lexical, latent = score, 0.0
    return (
        lexical / request.lexical_weight if request.lexical_weight else 0.0,
        latent / request.latent_weight if request.latent_weight else 0.0,
    )


def _own_names(matched: Mapping[str, float]) -> dict[str, float]:
    ours = (WORDS, TERMS, QUERY)
    return {name: score for name, score in matched.items() if name not in ours}


def _term_scores(explanation: Mapping[str, Any]) -> dict[str, float]:
    """Lucene's own explanation: what each word and term adds to the score."""
    scores: dict[str, float] = {}
    for name, score in _weights(explanation):
        scores[name] = scores.get(name, 0.0) + score
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _weights(explanation: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    match = _WEIGHT.match(explanation["description"])
    if match is None:
        for detail in explanation.get("details") or ():
            yield from _weights(detail)
    elif is_reserved(match["field"]):
        yield match["term"], explanation["value"]
    else:
        yield f"{match['field']}:{match['term']}", explanation["value"]
