"""What can be asked of an engine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ModelMismatch, QueryRejected
from .filters import Filter, resolve
from .preparing import terms_fault
from .types import Schema

MAX_WINDOW = 10_000
"""The deepest hit that can be asked for, as in Elasticsearch and OpenSearch."""

DEFAULT_LEXICAL_WEIGHT = 1.0
DEFAULT_LATENT_WEIGHT = 1.0
DEFAULT_COUNT_TO = 10_000
DEFAULT_FIRST_TERMS = 24
DEFAULT_RESCORE_WINDOW = 200
"""The fastest two phases with as good a first page, among 200,000 documents: docs/scale.md."""

_OF_THE_REQUEST = ("size", "from", "explain", "rescore", "track_total_hits")


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """Documents that match a word of `text` or one of `terms`, and every filter.

    With neither `text` nor `terms`, all documents that pass the filters match, with score 0.
    An empty `text` or empty `terms` is a part of the query that matches nothing.

    `body`, `first_terms` and `rescore_window` are for servers, OpenSearch and Elasticsearch; the
    embedded engine refuses a `body`, and always matches all terms.

    Raises QueryRejected where the request contradicts itself.
    """

    text: str | None = None
    """Plain words: punctuation and operators have no meaning."""
    terms: Mapping[str, int] | None = None
    """Latent term to frequency, from the model named by `fingerprint`."""
    fingerprint: str | None = None
    fields: tuple[str, ...] | Mapping[str, float] = ()
    """Text fields to search, their scores added up; none named: all. A mapping gives each a weight,
    which multiplies its score."""
    filters: tuple[Filter, ...] = ()
    size: int = 10
    offset: int = 0
    lexical_weight: float = DEFAULT_LEXICAL_WEIGHT
    """Multiplies the BM25 of the words; 0 leaves the words out."""
    latent_weight: float = DEFAULT_LATENT_WEIGHT
    """Multiplies the BM25 of the latent terms; 0 leaves the terms out."""
    explain: bool = False
    """Fill `Hit.term_scores`; costs one small search for each word and term."""
    count_to: int = DEFAULT_COUNT_TO
    """Matches to count at least; servers stop there, because counting costs time."""
    body: Mapping[str, Any] | None = None
    """A search in the server's own language, as sent to `_search`. Its aggregations, highlight,
    `_source`, sort and so on are passed on as they are, and what comes back is in `extra` of the
    result and its hits.

    Its `query` narrows the search where it is a `bool` of only `filter` and `must_not`. Any other
    query decides alone which documents match, and its score is part of `lexical`.
    """
    first_terms: int | None = DEFAULT_FIRST_TERMS
    """Match only so many of the terms, the first ones, and apply the others to the best
    `rescore_window` hits of each shard. None: match all of them, as is always done where `body` has
    `sort`, `collapse` or `min_score`, which need the whole score at once."""
    rescore_window: int = DEFAULT_RESCORE_WINDOW

    def __post_init__(self) -> None:
        if self.text is not None and not isinstance(self.text, str):
            raise QueryRejected(f"text is a string, not {self.text!r}")
        _check_count("size", self.size)
        _check_count("offset", self.offset)
        if self.size + self.offset > MAX_WINDOW:
            raise QueryRejected(
                f"size {self.size} + offset {self.offset} is more than {MAX_WINDOW}: "
                "narrow the search with a filter"
            )
        _check_weight("lexical_weight", self.lexical_weight)
        _check_weight("latent_weight", self.latent_weight)
        for field, weight in self.weighted_fields(()).items():
            _check_weight(f"weight of {field}", weight)
        _check_count("count_to", self.count_to)
        self._check_server_part()

    def weighted_fields(self, default: Iterable[str]) -> dict[str, float]:
        """Each field to search with its weight; `default` are those where none is named."""
        if self.fields and isinstance(self.fields, Mapping):
            return dict(self.fields)
        return dict.fromkeys(self.fields or default, 1.0)

    def _check_server_part(self) -> None:
        if self.first_terms is not None:
            _check_count("first_terms", self.first_terms)
        _check_count("rescore_window", self.rescore_window)
        if self.body is None:
            return
        if not isinstance(self.body, Mapping):
            raise QueryRejected(f"body is a mapping, not {self.body!r}")
        if found := [key for key in _OF_THE_REQUEST if key in self.body]:
            raise QueryRejected(
                f"body has {', '.join(found)}: give size, offset, explain, first_terms, "
                "rescore_window and count_to to the request itself"
            )


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise QueryRejected(f"{name} {value!r} is not a whole number from 0")


def _check_weight(name: str, value: object) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise QueryRejected(f"{name} {value!r} is not a number from 0")


def check_request(schema: Schema, request: SearchRequest) -> None:
    """Raises QueryRejected or ModelMismatch where the request does not fit the index."""
    for field in request.fields:
        if field not in schema.text:
            raise QueryRejected(
                f"{field!r} is not a text field of this index: choose from {', '.join(schema.text)}"
            )
    for condition in request.filters:
        resolve(schema, condition)
    if request.terms is None:
        return
    check_fingerprint(schema, request.fingerprint)
    if fault := terms_fault(request.terms):
        raise QueryRejected(f"terms: {fault}")


def check_fingerprint(schema: Schema, fingerprint: str | None) -> None:
    """Raises ModelMismatch unless terms of this model are what the index holds."""
    if schema.fingerprint is None:
        raise ModelMismatch(
            "the index was created without latent terms: search it by words alone, or create an "
            "index with the fingerprint of the encoder"
        )
    if fingerprint != schema.fingerprint:
        model = f" ({schema.model})" if schema.model else ""
        raise ModelMismatch(
            f"the index holds terms of model {schema.fingerprint}{model}, these are of "
            f"{fingerprint or 'an unnamed model'}: load the model of the index, or index again"
        )
