"""What can be asked of an engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import ModelMismatch, QueryRejected
from .filters import Filter, resolve
from .preparing import terms_fault
from .types import Schema

MAX_WINDOW = 10_000
"""The deepest hit that can be asked for, as in Elasticsearch and OpenSearch."""

DEFAULT_LEXICAL_WEIGHT = 1.0
DEFAULT_LATENT_WEIGHT = 1.0


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """Documents that match a word of `text` or one of `terms`, and every filter.

    With neither `text` nor `terms`, all documents that pass the filters match, with score 0.
    An empty `text` or empty `terms` is a part of the query that matches nothing.

    Raises QueryRejected where the request contradicts itself.
    """

    text: str | None = None
    """Plain words: punctuation and operators have no meaning."""
    terms: Mapping[str, int] | None = None
    """Latent term to frequency, from the model named by `fingerprint`."""
    fingerprint: str | None = None
    fields: tuple[str, ...] = ()
    """Text fields to search, their scores added up; none named: all."""
    filters: tuple[Filter, ...] = ()
    size: int = 10
    offset: int = 0
    lexical_weight: float = DEFAULT_LEXICAL_WEIGHT
    """Multiplies the BM25 of the words; 0 leaves the words out."""
    latent_weight: float = DEFAULT_LATENT_WEIGHT
    """Multiplies the BM25 of the latent terms; 0 leaves the terms out."""
    explain: bool = False
    """Fill `Hit.term_scores`; costs one small search for each word and term."""

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
