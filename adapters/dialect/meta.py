"""What an index says of its latent terms: the part of the mapping's `_meta` that is ours.

    {"latent_terms": {"version": 1, "active": "latent_terms_3f9a1c",
      "fields": {"latent_terms_3f9a1c": {"fingerprint": "3f9a1c0b77de", "model": "minilm-en",
                                         "spelling": "repeat", "text_fields": ["title", "body"]}},
      "schema": {"text": ["title", "body"], "keyword": [], ...}}}

`schema` is there in an index that we created, and only there; `previous` names the field that was
active before, after a change of models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from ..errors import IndexUnreadable, SchemaRejected
from ..types import Schema
from .dialect import META_KEY, Spelling, latent_field_name

META_VERSION = 1


@dataclass(frozen=True)
class LatentField:
    fingerprint: str
    """Of the model whose terms it holds."""
    model: str | None
    spelling: Spelling
    text_fields: tuple[str, ...]
    """What the model read of each document, in this order."""

    @property
    def name(self) -> str:
        return latent_field_name(self.fingerprint)


@dataclass(frozen=True)
class IndexMeta:
    fields: tuple[LatentField, ...] = ()
    active: str | None = None
    """Name of the field that searches use."""
    previous: str | None = None
    """Name of the field that they used before, while it is still there."""
    schema: Schema | None = None
    """Without fingerprint and model: those are the active field's."""

    @property
    def active_field(self) -> LatentField | None:
        return next((field for field in self.fields if field.name == self.active), None)

    def field_of(self, fingerprint: str | None) -> LatentField | None:
        """The field with the terms of this model."""
        return next((field for field in self.fields if field.fingerprint == fingerprint), None)

    def with_field(self, field: LatentField) -> IndexMeta:
        """Beside the others, or in place of the one of the same name."""
        others = tuple(other for other in self.fields if other.name != field.name)
        return replace(self, fields=(*others, field))

    def without_field(self, name: str) -> IndexMeta:
        return IndexMeta(
            fields=tuple(field for field in self.fields if field.name != name),
            active=None if self.active == name else self.active,
            previous=None if self.previous == name else self.previous,
            schema=self.schema,
        )

    def activated(self, name: str) -> IndexMeta:
        previous = self.previous if name == self.active else self.active
        return replace(self, active=name, previous=previous)

    def to_json(self) -> dict[str, Any]:
        written: dict[str, Any] = {
            "version": META_VERSION,
            "active": self.active,
            "fields": {field.name: asdict(field) for field in self.fields},
        }
        if self.previous is not None:
            written["previous"] = self.previous
        if self.schema is not None:
            written["schema"] = asdict(self.schema)
            del written["schema"]["fingerprint"], written["schema"]["model"]
        return written


def read_meta(mapping: Mapping[str, Any], index: str) -> IndexMeta:
    """From a mapping, as `GET /INDEX/_mapping` gives it below `mappings`.

    Raises IndexUnreadable where our part was altered, or written by a later version.
    """
    found = (mapping.get("_meta") or {}).get(META_KEY)
    if found is None:
        return IndexMeta()
    version = found.get("version") if isinstance(found, dict) else None
    if version != META_VERSION:
        raise IndexUnreadable(
            f"{index}: _meta.{META_KEY} has version {version!r} and this version reads "
            f"{META_VERSION}: install the latent-terms that wrote it"
        )
    try:
        return IndexMeta(
            fields=tuple(_field(written) for written in found["fields"].values()),
            active=found["active"],
            previous=found.get("previous"),
            schema=_schema(found["schema"]) if "schema" in found else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError, SchemaRejected) as exc:
        raise IndexUnreadable(
            f"{index}: _meta.{META_KEY} was altered ({exc!r}): put back what it was, or index again"
        ) from exc


def _field(written: Mapping[str, Any]) -> LatentField:
    if written["spelling"] not in get_args(Spelling):
        raise ValueError(f"unknown spelling {written['spelling']!r}")
    return LatentField(
        fingerprint=written["fingerprint"],
        model=written["model"],
        spelling=written["spelling"],
        text_fields=tuple(written["text_fields"]),
    )


def _schema(written: Mapping[str, Any]) -> Schema:
    return Schema(
        text=tuple(written["text"]),
        keyword=tuple(written["keyword"]),
        number=tuple(written["number"]),
        date=tuple(written["date"]),
        analyzer=written["analyzer"],
    )
