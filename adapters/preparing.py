"""Documents on their way into any engine: checked, serialised, and cut into batches."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from . import values
from .errors import Rejection
from .types import Document, Schema

MAX_ID_BYTES = 512
MAX_KEYWORD_BYTES = 32_766  # Lucene's longest term
MAX_FREQUENCY = 10_000
BATCH_DOCUMENTS = 1_000
BATCH_CHARACTERS = 8_000_000

# `:` would make `Hit.term_scores` ambiguous, `|` splits a term from its frequency in some engines
_TERM = re.compile(r"[!-9;-{}~]{1,255}")


@dataclass(frozen=True)
class Prepared:
    document: Document
    source: str
    """As JSON; empty where `rejections` is not."""
    rejections: tuple[Rejection, ...]

    @property
    def characters(self) -> int:
        """Roughly what the document weighs in a request: its JSON and its terms spelled out."""
        terms = self.document.terms or {}
        return len(self.source) + sum(len(term) * terms[term] for term in terms)


def prepare(schema: Schema, document: Document) -> Prepared:
    """Never raises: what is wrong with the document is in `rejections`."""
    found = list(_faults(schema, document))
    if not found:
        try:
            return Prepared(document, source_json(document.source), ())
        except ValueError as exc:
            found = [("source", str(exc))]
    name = id_shown(document.id)
    return Prepared(document, "", tuple(Rejection(name, *fault) for fault in found))


def id_shown(id: object) -> str:
    """What a `Rejection` calls the document."""
    return id if isinstance(id, str) else repr(id)


def batches(prepared: Iterable[Prepared]) -> Iterator[list[Prepared]]:
    """Consecutive documents, at most BATCH_DOCUMENTS and about BATCH_CHARACTERS at a time."""
    batch: list[Prepared] = []
    characters = 0
    for item in prepared:
        batch.append(item)
        characters += 0 if item.rejections else item.characters
        if len(batch) == BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def id_groups(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Different ids, `size` of them at a time; one that no document can have is left out."""
    stream = iter(ids)
    while some := list(islice(stream, size)):
        yield list(dict.fromkeys(id for id in some if id and values.is_utf8(id)))


def source_json(source: Mapping[str, object]) -> str:
    """Raises ValueError where reading the JSON back would not give the same source."""
    plain = dict(source)
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as exc:
        raise ValueError(f"cannot be stored as JSON: {exc}") from exc
    if json.loads(text) != plain:
        raise ValueError(
            "would come back from JSON changed: use strings as keys, and lists instead of tuples"
        )
    return text


def _faults(schema: Schema, document: Document) -> Iterator[tuple[str, str]]:
    """Pairs of the field and what is wrong with it."""
    if reason := _id_fault(document.id):
        yield "id", reason
    if not isinstance(document.source, Mapping):
        yield "source", f"{values.shown(document.source)} is not a JSON object"
        return
    readers: tuple[tuple[tuple[str, ...], Callable[[object], object]], ...] = (
        (schema.text, values.strings),
        (schema.keyword, _keywords),
        (schema.number, values.numbers),
        (schema.date, values.instants),
    )
    for fields, read in readers:
        for field in fields:
            try:
                read(values.at(document.source, field))
            except ValueError as exc:
                yield field, str(exc)
    if document.terms is not None and (reason := _terms_fault(schema, document.terms)):
        yield "terms", reason


def _id_fault(id: object) -> str | None:
    if not isinstance(id, str):
        return f"the id is not a string: {values.shown(id)}"
    try:
        size = len(id.encode())
    except UnicodeEncodeError:
        return "the id is not valid Unicode: it holds a lone surrogate"
    if not 1 <= size <= MAX_ID_BYTES:
        return f"the id has {size} bytes: 1 to {MAX_ID_BYTES} are allowed"
    return None


def _keywords(value: object) -> None:
    for keyword in values.strings(value):
        if len(values.without_surrogates(keyword).encode()) > MAX_KEYWORD_BYTES:
            raise ValueError(
                f"{values.shown(keyword)} is longer than {MAX_KEYWORD_BYTES} bytes: "
                "make it a text field or shorten it"
            )


def _terms_fault(schema: Schema, terms: object) -> str | None:
    if schema.fingerprint is None:
        return "the index was created without latent terms: create one with a fingerprint"
    return terms_fault(terms)


def terms_fault(terms: object) -> str | None:
    """What is wrong with a mapping of latent terms to frequencies, of a document or a query."""
    if not isinstance(terms, Mapping):
        return f"{values.shown(terms)} is not a mapping of latent terms to frequencies"
    for term, frequency in terms.items():
        if not isinstance(term, str) or not _TERM.fullmatch(term):
            return (
                f"{values.shown(term)} is not a latent term: 1 to 255 visible ASCII characters "
                "other than ':' and '|'"
            )
        if type(frequency) is not int or not 1 <= frequency <= MAX_FREQUENCY:
            return (
                f"frequency {values.shown(frequency)} of {term!r} is not a whole number "
                f"from 1 to {MAX_FREQUENCY}"
            )
    return None
