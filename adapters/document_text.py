"""What an encoder reads of a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .values import at


@dataclass(frozen=True)
class DocumentText:
    text: str
    """The strings of the fields, in the order of the fields and of their lists, joined by
    newlines; empty where there is none."""
    not_text: tuple[str, ...]
    """Fields with something that is no string: a number, a boolean, or an object."""


def document_text(fields: Iterable[str], source: Mapping[str, Any]) -> DocumentText:
    """Of a source that is no object: nothing, that is for the engine to refuse."""
    if not isinstance(source, Mapping):
        return DocumentText("", ())
    texts: list[str] = []
    not_text: list[str] = []
    for field in fields:
        values = list(_flat(at(source, field)))
        strings = [value for value in values if isinstance(value, str)]
        texts.extend(strings)
        if len(strings) < len(values):
            not_text.append(field)
    return DocumentText("\n".join(texts), tuple(not_text))


def _flat(value: object) -> Iterator[object]:
    """Null is no value."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif value is not None:
        yield value
