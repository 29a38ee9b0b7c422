"""The index that a back-fill fills: whether that can be done, and the fields it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from .backfill_checks import check_sources, check_text_fields
from .cluster import Cluster
from .dialect import hash_field_name
from .dialect_mapping import mapping_update
from .dialect_meta import IndexMeta, LatentField, read_meta
from .errors import ModelMismatch, SchemaRejected, UnsupportedAddress

_IN_SOURCE_ONLY = {"type": "keyword", "index": False, "doc_values": False}


@dataclass(frozen=True)
class Target:
    cluster: Cluster
    index: str
    """Its own name, where it was given by an alias."""
    mapping: Mapping[str, Any]
    meta: IndexMeta
    field: LatentField

    @property
    def path(self) -> str:
        return f"/{quote(self.index, safe='')}"

    @property
    def hash_field(self) -> str:
        """Tells which text the terms of a document were made of."""
        return hash_field_name(self.field.name)

    def add_fields(self) -> None:
        """Nothing but the mapping is changed, and nothing where they are there already."""
        body = mapping_update(self.mapping, self.meta.with_field(self.field), self.field)
        body["properties"][self.hash_field] = _IN_SOURCE_ONLY
        self._put(body)

    def activate(self) -> None:
        """Has searches use the field, unless they use one already."""
        if self.meta.active is None:
            meta = self.meta.with_field(self.field).activated(self.field.name)
            self._put(mapping_update(self.mapping, meta, self.field))

    def _put(self, body: dict[str, Any]) -> None:
        self.cluster.request("PUT", f"{self.path}/_mapping", body=body)


def find_target(
    cluster: Cluster,
    name: str,
    *,
    fingerprint: str,
    model: str | None,
    text_fields: tuple[str, ...] = (),
    changed: bool = False,
) -> Target:
    """Reads only. Without `text_fields` they are those that the index names; others than those
    are for a back-fill of what has `changed`, which takes up every document.

    Raises IndexMissing, UnsupportedAddress for a name of several indexes, SchemaRejected where
    the text cannot be read from the documents or the documents cannot be updated.
    """
    index, mapping = _mapping(cluster, name)
    meta = read_meta(mapping, index)
    field = _field(meta, LatentField(fingerprint, model, "repeat", text_fields), index, changed)
    check_sources(mapping, index)
    check_text_fields(mapping, field.text_fields, index)
    return Target(cluster, index, mapping, meta, field)


def check_model(target: Target) -> None:
    """Raises ModelMismatch where searches use the terms of another model."""
    active = target.meta.active_field
    if active is not None and active.fingerprint != target.field.fingerprint:
        name = f" ({active.model})" if active.model else ""
        raise ModelMismatch(
            f"{target.index} has latent terms of model {active.fingerprint}{name}, this is "
            f"{target.field.fingerprint}: give that model, or move to this one with "
            "latent-terms migrate"
        )


def _mapping(cluster: Cluster, name: str) -> tuple[str, Mapping[str, Any]]:
    found = cluster.request("GET", f"/{quote(name, safe='')}/_mapping").body
    if len(found) != 1:
        raise UnsupportedAddress(
            f"{name} stands for {len(found)} indexes ({', '.join(sorted(found)[:5])}): give one "
            "of them"
        )
    ((index, about),) = found.items()
    return index, about["mappings"]


def _field(meta: IndexMeta, wanted: LatentField, index: str, changed: bool) -> LatentField:
    known = meta.field_of(wanted.fingerprint)
    if known is None:
        text_fields = wanted.text_fields or (meta.schema.text if meta.schema else ())
        if not text_fields:
            raise SchemaRejected(f"{index} does not say which fields to encode: name them")
        return replace(wanted, text_fields=text_fields)
    if wanted.text_fields in ((), known.text_fields):
        return known
    if not changed:
        raise SchemaRejected(
            f"the latent terms in {index} were made of {', '.join(known.text_fields)}, not of "
            f"{', '.join(wanted.text_fields)}: give the same fields, or encode every document "
            "again with --changed"
        )
    return replace(known, text_fields=wanted.text_fields)
