"""The schema of any index, read from its mapping. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import IndexUnreadable
from ..types import FIELD_NAME, Analyzer, Schema
from .dialect import is_reserved
from .meta import IndexMeta, read_meta

_TYPES = {
    "text": "text",
    "keyword": "keyword constant_keyword wildcard",
    "number": "byte double float half_float integer long scaled_float short unsigned_long",
    "date": "date date_nanos",
}
_PARTS = {type_: part for part, types in _TYPES.items() for type_ in types.split()}


@dataclass(frozen=True)
class Described:
    """An index as its mapping shows it."""

    schema: Schema
    """Its `text` are the fields that are searched by default and that models read."""
    wide: Schema
    """Every field that can be searched or filtered."""
    meta: IndexMeta
    mapping: Mapping[str, Any]


def describe(mapping: Mapping[str, Any], index: str) -> Described:
    """Raises IndexUnreadable where the mapping cannot be used."""
    meta = read_meta(mapping, index)
    active = meta.active_field
    if meta.active is not None and (active is None or active.name not in _properties(mapping)):
        raise IndexUnreadable(
            f"{index}: _meta names {meta.active} as the field with the latent terms, and there is "
            "no such field: put the field or the mapping's _meta back"
        )
    if meta.schema is not None:
        schema = wide = meta.schema
    else:
        found = dict(_fields(_properties(mapping)))
        text = _named(found, "text")
        encoded = active.text_fields if active else text
        wide = _schema(found, text or encoded, index)
        schema = _schema(found, encoded, index)
    if active is not None:
        schema = replace(schema, fingerprint=active.fingerprint, model=active.model)
    return Described(schema, wide, meta, mapping)


def _schema(found: Mapping[str, Any], text: tuple[str, ...], index: str) -> Schema:
    if not text:
        raise IndexUnreadable(
            f"{index} has no text field to search: give an index whose mapping has one"
        )
    others = {name: settings for name, settings in found.items() if name not in text}
    return Schema(
        text=text,
        keyword=_named(others, "keyword"),
        number=_named(others, "number"),
        date=_named(others, "date"),
        analyzer=_analyzer(found, text),
    )


def _named(found: Mapping[str, Any], part: str) -> tuple[str, ...]:
    return tuple(name for name, settings in found.items() if _PARTS[settings["type"]] == part)


def _analyzer(found: Mapping[str, Any], text: tuple[str, ...]) -> Analyzer:
    used = {found.get(name, {}).get("analyzer", "standard") for name in text}
    if used == {"standard"}:
        return "standard"
    return "english" if used == {"english"} else "other"


def _properties(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping.get("properties") or {}


def _fields(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name and settings of each field that can be searched or filtered by its name; fields inside
    `nested` objects cannot, they are documents of their own."""
    for key, settings in properties.items():
        name = prefix + key
        type_ = settings.get("type", "object")
        if is_reserved(name) or type_ == "nested" or settings.get("index") is False:
            continue
        if type_ in _PARTS and FIELD_NAME.fullmatch(name):
            yield name, settings
        for inner in ("properties", "fields"):
            yield from _fields(settings.get(inner) or {}, f"{name}.")
