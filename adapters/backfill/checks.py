"""What a mapping must allow so that documents can be encoded and updated in part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..dialect.dialect import is_reserved
from ..errors import SchemaRejected

_WITH_TEXT = frozenset(
    ("text", "match_only_text", "search_as_you_type", "annotated_text", "semantic_text")
    + ("keyword", "constant_keyword", "wildcard")
)
_SHOWN = 10


def check_sources(mapping: Mapping[str, Any], index: str) -> None:
    """A partial update makes the document anew from its source: what is not in there is lost.

    Raises SchemaRejected.
    """
    source = mapping.get("_source") or {}
    if source.get("enabled") is False:
        raise SchemaRejected(
            f"{index} keeps no _source, so its documents can be neither read nor updated: index "
            "them again into an index that keeps it"
        )
    for kind in ("excludes", "includes"):
        if source.get(kind):
            raise SchemaRejected(
                f"{index} keeps only a part of each _source ({kind}: {source[kind]}), and an "
                "update would drop the rest from the index: index the documents again into an "
                "index that keeps it whole"
            )


def check_text_fields(mapping: Mapping[str, Any], fields: tuple[str, ...], index: str) -> None:
    """Raises SchemaRejected."""
    types = dict(_types(mapping))
    for field in fields:
        type_ = types.get(field)
        if type_ in _WITH_TEXT:
            continue
        with_text = [name for name, type_ in types.items() if type_ in _WITH_TEXT]
        there = ", ".join(with_text[:_SHOWN]) or "none"
        found = f"is of type {type_} in {index}" if type_ else f"is no field of {index}"
        raise SchemaRejected(f"{field!r} {found}; fields with text: {there}")


def _types(mapping: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path in a source, and type; what is in objects, nested ones too, by its path."""
    for key, settings in (mapping.get("properties") or {}).items():
        name = prefix + key
        if not is_reserved(name):
            yield name, settings.get("type", "object")
            yield from _types(settings, f"{name}.")
