"""What goes into an index and what comes out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .errors import SchemaRejected

Analyzer = Literal["standard", "english", "other"]
Source = dict[str, Any]  # a JSON object

FIELD_NAME = re.compile(r"[A-Za-z@][A-Za-z0-9_@-]*(?:\.[A-Za-z0-9_@-]+)*")
_MOST_NAME_CHARACTERS = 255
_RESERVED_PREFIX = "latent_terms"
_FINGERPRINT = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True)
class Document:
    id: str
    """1 to 512 bytes of UTF-8; adding a document with an id that is there replaces it."""
    source: Mapping[str, Any]
    """A JSON object; stored, and returned as it was given. Keys outside the schema are allowed."""
    terms: Mapping[str, int] | None = None
    """Latent term to frequency, from 1. None: not encoded; empty: encoded, no term came out."""


@dataclass(frozen=True)
class Schema:
    """Which keys of a source are indexed, and how; each key plays one part only.

    A name with dots leads into objects: `author.name`. A value may be missing, null, or a list; a
    document with a list is found by each of its values.
    """

    text: tuple[str, ...]
    """Strings, analysed and ranked by BM25; at least one field."""
    keyword: tuple[str, ...] = ()
    """Strings, filtered by their exact value (`AnyOf`)."""
    number: tuple[str, ...] = ()
    """Numbers, filtered by `Range`; compared as 64-bit floats."""
    date: tuple[str, ...] = ()
    """ISO 8601 dates or datetimes as strings, filtered by `Range`; without an offset: UTC."""
    fingerprint: str | None = None
    """The model whose latent terms the index holds; None: an index without latent terms."""
    model: str | None = None
    """Its name, for people."""
    analyzer: Analyzer = "standard"
    """How text is cut into words: `standard` lowercases, `english` also drops stop words and
    stems; `other` is whatever the mapping of an index says that we did not create."""

    def __post_init__(self) -> None:
        """Raises SchemaRejected."""
        if not self.text:
            raise SchemaRejected("a schema needs at least one text field")
        _check_names(self)
        if self.analyzer not in get_args(Analyzer):
            raise SchemaRejected(f"unknown analyzer {self.analyzer!r}: choose standard or english")
        if self.fingerprint is not None and not _FINGERPRINT.fullmatch(self.fingerprint):
            raise SchemaRejected(
                f"fingerprint {self.fingerprint!r} is not 6 to 64 lowercase hex digits: "
                "take it from the encoder"
            )

    def check_new(self) -> None:
        """Raises SchemaRejected where it describes an index, but none can be created by it."""
        if self.analyzer == "other":
            raise SchemaRejected("analyzer 'other' is for indexes that are there: choose another")

    @property
    def terms_field(self) -> str | None:
        """The index field that holds the latent terms: one name per model."""
        return f"{_RESERVED_PREFIX}_{self.fingerprint[:6]}" if self.fingerprint else None


def _check_names(schema: Schema) -> None:
    seen: set[str] = set()
    for part in ("text", "keyword", "number", "date"):
        names: object = getattr(schema, part)
        if not isinstance(names, tuple):
            raise SchemaRejected(f"{part} fields are a tuple of names, not {names!r}")
        for name in names:
            _check_name(name, part, seen)
            seen.add(name)


def _check_name(name: object, part: str, seen: set[str]) -> None:
    fits = isinstance(name, str) and len(name) <= _MOST_NAME_CHARACTERS
    if not isinstance(name, str) or not fits or not FIELD_NAME.fullmatch(name):
        raise SchemaRejected(
            f"{part} field {name!r} is not a usable name: at most {_MOST_NAME_CHARACTERS} letters, "
            "digits, _ - and @, starting with a letter or @, and dots between names of objects"
        )
    if name.startswith(_RESERVED_PREFIX):
        raise SchemaRejected(f"{part} field {name!r}: names in {_RESERVED_PREFIX}* are reserved")
    if name in seen:
        raise SchemaRejected(
            f"field {name!r} is listed twice: give it one part, or copy the value under another key"
        )


@dataclass(frozen=True)
class Hit:
    """`score` = lexical_weight * `lexical` + latent_weight * `latent`, up to 32-bit rounding.

    Scores compare within one result only: their scale differs between engines. Where hits are
    reranked, `rank` follows `rerank_score`.
    """

    id: str
    score: float
    rank: int
    """From 1, and counting the hits before the offset."""
    source: Source
    lexical: float
    """BM25 of the words of the text."""
    latent: float
    """BM25 of the latent terms, each multiplied by its frequency in the query."""
    term_scores: Mapping[str, float] = field(default_factory=dict)
    """Only where asked for (`explain`): what each matching term adds to `score`, which is their
    sum. A latent term goes by its name (`t17`), a word by `field:word`; heaviest first."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else a server says of the hit: `highlight`, `sort`, `fields`, ..."""
    rerank_score: float | None = None
    """Of the reranker; None: the hit was not reranked."""


@dataclass(frozen=True)
class SearchResult:
    hits: tuple[Hit, ...]
    total: int
    """Documents that match, however few were asked for."""
    total_is_exact: bool = True
    """Else more may match: the server stopped counting at `SearchRequest.count_to`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else a server answers: `aggregations`, `suggest`, `pit_id`, ..."""
    encoded: bool = False
    """By `Search`: whether latent terms of the query took part."""
    reranked: bool = False
    """By `Search`: whether the hits were reranked."""
    reason: str | None = None
    """By `Search`: why the query was not encoded, or hits not reranked, where they should be."""


@dataclass(frozen=True)
class Statistics:
    documents: int
    documents_with_terms: int
    bytes_on_disk: int
    schema: Schema
