"""The index that a back-fill fills: whether that can be done, and the fields it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ..dialect.dialect import hash_field_name
from ..dialect.mapping import mapping_update
from ..dialect.meta import IndexMeta, LatentField, read_meta
from ..errors import ModelMismatch, SchemaRejected, UnsupportedAddress
from ..server.cluster import Cluster
from ..server.patience import patiently
from .checks import check_sources, check_text_fields

IN_SOURCE_ONLY = {"type": "keyword", "index": False, "doc_values": False}


@dataclass(frozen=True)
class IndexFound:
    name: str
    """Its own, where it was given by an alias."""
    mapping: Mapping[str, Any]
    meta: IndexMeta


@dataclass(frozen=True)
class Target:
    cluster: Cluster
    index: str
    """Its own name, where it was given by an alias."""
    meta: IndexMeta
    """As it was when the target was found."""
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
        now = self._now()
        if self.field in now.meta.fields and self.hash_field in now.mapping["properties"]:
            return
        body = mapping_update(now.mapping, now.meta.with_field(self.field), self.field)
        body["properties"][self.hash_field] = IN_SOURCE_ONLY
        self._put(body)

    def activate(self) -> None:
        """Has searches use the field, unless they use one already."""
        now = self._now()
        if now.meta.active is None:
            meta = now.meta.with_field(self.field).activated(self.field.name)
            self._put(mapping_update(now.mapping, meta, self.field))

    def _now(self) -> IndexFound:
        """What was read before may be old: a migration may have changed `_meta` and the alias."""
        return patiently(lambda: read_index(self.cluster, self.index))

    def _put(self, body: dict[str, Any]) -> None:
        patiently(lambda: self.cluster.request("PUT", f"{self.path}/_mapping", body=body))


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
    found = read_index(cluster, name)
    wanted = LatentField(fingerprint, model, "repeat", text_fields)
    field = _field(found.meta, wanted, found.name, changed)
    check_sources(found.mapping, found.name)
    check_text_fields(found.mapping, field.text_fields, found.name)
    return Target(cluster, found.name, found.meta, field)


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


def read_index(cluster: Cluster, name: str) -> IndexFound:
    """Raises IndexMissing, UnsupportedAddress for a name of several indexes, IndexUnreadable."""
    found = cluster.request("GET", f"/{quote(name, safe='')}/_mapping").body
    if len(found) != 1:
        raise UnsupportedAddress(
            f"{name} stands for {len(found)} indexes ({', '.join(sorted(found)[:5])}): give one "
            "of them"
        )
    ((index, about),) = found.items()
    mapping = about["mappings"]
    return IndexFound(index, mapping, read_meta(mapping, index))


def _field(meta: IndexMeta, wanted: LatentField, index: str, changed: bool) -> LatentField:
    known = meta.field_of(wanted.fingerprint)
    if known is None:
        text_fields = wanted.text_fields or (meta.schema.text if meta.schema else ())
        if not text_fields:
            raise SchemaRejected(
                f"{index} does not say which fields to encode: name them (--fields)"
            )
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
