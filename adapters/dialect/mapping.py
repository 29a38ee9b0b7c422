"""Mappings and analysis: the bodies that create an index, and that change one. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..types import Schema
from .dialect import ALIAS, META_KEY, Dialect, Spelling
from .meta import IndexMeta, LatentField

FREQUENCY_ANALYZER = "latent_terms_frequencies"
DATE_FORMATS = "strict_date_optional_time||basic_date||yyyy-MM-dd HH:mm[:ss][.SSSSSS][.SSS][XXX]"

_LONGEST_TOKEN = 300  # bytes; the whitespace tokenizer's own 255 would cut `term|frequency` in two


def new_index(dialect: Dialect, schema: Schema) -> dict[str, Any]:
    """Body of `PUT /INDEX` for an index of our own. What the schema does not name is stored, not
    indexed."""
    meta = IndexMeta(schema=schema)
    properties = _properties(schema)
    body: dict[str, Any] = {"mappings": {"dynamic": False, "properties": properties}}
    if schema.fingerprint is not None:
        field = LatentField(schema.fingerprint, schema.model, dialect.spelling, schema.text)
        meta = meta.with_field(field).activated(field.name)
        properties |= field_mapping(field) | alias_mapping(field.name)
        if field.spelling == "frequencies":
            body["settings"] = frequency_analysis()
    body["mappings"]["_meta"] = {META_KEY: meta.to_json()}
    return body


def mapping_update(
    mapping: Mapping[str, Any], meta: IndexMeta, *fields: LatentField
) -> dict[str, Any]:
    """Body of `PUT /INDEX/_mapping` that adds the fields and has `meta` describe them.

    The alias leads to the active field; while none is active it is left as it is. `mapping` is the
    present one: a server replaces `_meta` as a whole, and the user's own part of it stays.
    """
    properties: dict[str, Any] = {}
    for field in fields:
        properties |= field_mapping(field)
    if meta.active is not None:
        properties |= alias_mapping(meta.active)
    others = mapping.get("_meta") or {}
    return {"properties": properties, "_meta": {**others, META_KEY: meta.to_json()}}


def field_mapping(field: LatentField) -> dict[str, Any]:
    """BM25 needs frequencies and lengths, no positions."""
    analyzer: dict[Spelling, dict[str, str]] = {
        "repeat": {"analyzer": "whitespace"},
        "frequencies": {"analyzer": FREQUENCY_ANALYZER, "search_analyzer": "whitespace"},
    }
    settings = {"type": "text", **analyzer[field.spelling], "index_options": "freqs", "norms": True}
    return {field.name: settings}


def alias_mapping(field: str) -> dict[str, Any]:
    return {ALIAS: {"type": "alias", "path": field}}


def frequency_analysis() -> dict[str, Any]:
    """Index settings for `frequencies`; an index that exists must be closed to get them."""
    return {
        "analysis": {
            "tokenizer": {
                FREQUENCY_ANALYZER: {"type": "whitespace", "max_token_length": _LONGEST_TOKEN}
            },
            "analyzer": {
                FREQUENCY_ANALYZER: {
                    "type": "custom",
                    "tokenizer": FREQUENCY_ANALYZER,
                    "filter": ["delimited_term_freq"],
                }
            },
        }
    }


def _properties(schema: Schema) -> dict[str, Any]:
    kinds: tuple[tuple[tuple[str, ...], dict[str, str]], ...] = (
        (schema.text, {"type": "text", "analyzer": schema.analyzer}),
        (schema.keyword, {"type": "keyword"}),
        (schema.number, {"type": "double"}),
        (schema.date, {"type": "date", "format": DATE_FORMATS}),
    )
    return {name: dict(settings) for names, settings in kinds for name in names}
