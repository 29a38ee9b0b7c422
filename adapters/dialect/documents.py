"""Documents as a server takes them: lines of bulk requests, and what it would refuse. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..bulk.chunks import Action
from ..errors import Rejection
from ..preparing import Prepared, prepare
from ..types import Document, Schema
from ..values import at, shown
from .dialect import is_reserved, spell
from .meta import LatentField

_SURROGATE = re.compile("[\ud800-\udfff]")
_DATE = re.compile(
    r"\d{8}|\d{4}-\d\d-\d\d"
    r"(T\d\d(:\d\d(:\d\d([.,]\d{1,9})?)?)?(Z|[+-]\d\d(:?\d\d)?)?"
    r"| \d\d:\d\d(:\d\d)?(\.\d{3}|\.\d{6})?(Z|[+-]\d\d:\d\d)?)?"
)


def prepare_for_server(schema: Schema, document: Document) -> Prepared:
    """As `prepare`, and what only a server would refuse is among the rejections."""
    prepared = prepare(schema, document)
    if prepared.rejections:
        return prepared
    rejections = [
        Rejection(document.id, field, reason) for field, reason in _faults(schema, document)
    ]
    return Prepared(document, prepared.source, tuple(rejections))


def index_action(index: str, prepared: Prepared, field: LatentField | None) -> Action[Prepared]:
    """Puts the document in the index, in place of one that is there."""
    document = prepared.document
    source = _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", prepared.source)
    if field is not None and document.terms is not None:
        terms = json.dumps(spell(document.terms, field.spelling))
        comma = "" if source == "{}" else ","
        source = f'{source[:-1]}{comma}"{field.name}":{terms}}}'
    action = json.dumps({"index": {"_index": index, "_id": document.id}})
    return Action(document.id, f"{action}\n{source}\n".encode(), prepared)


def delete_action(index: str, id: str) -> Action[None]:
    return Action(id, f"{json.dumps({'delete': {'_index': index, '_id': id}})}\n".encode(), None)


def _faults(schema: Schema, document: Document) -> Iterator[tuple[str, str]]:
    for key in document.source:
        if is_reserved(key):
            yield "source", f"{shown(key)}: names of that beginning are those of our own fields"
    for field in schema.date:
        value = at(document.source, field)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and not _DATE.fullmatch(item):
                yield field, f"{shown(item)} is not read by servers: write '2024-05-31T12:00:00Z'"
