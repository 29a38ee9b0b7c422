"""Moving an index from one model's latent terms to another's, while it is searched and written.

    start       adds a field for the new model beside the active one
    (back-fill) fills it, document by document
    switch      has searches use it; the field used before stays
    rollback    has them use the field from before again
    drop        gives up a field that searches do not use

Each step is one update of the mapping, which the servers apply as a whole: `_meta` and the alias
change together. This module works out which; it reads the index and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from .cluster import Cluster
from .dialect import is_reserved
from .dialect_mapping import mapping_update
from .dialect_meta import IndexMeta, LatentField, read_meta
from .dialect_query import with_field, without_field
from .errors import MigrationRefused
from .server_request import ServerRequest


@dataclass(frozen=True)
class MigrationState:
    index: str
    """Its own name, where it was given by an alias."""
    mapping: Mapping[str, Any]
    meta: IndexMeta
    documents: int
    lacking: Mapping[str, int]
    """By latent field: the documents that searches of that field do not see."""
    dropped: Mapping[str, int]
    """By field that was dropped: the documents that still hold its terms."""

    @property
    def waiting(self) -> tuple[LatentField, ...]:
        """Fields that are neither active nor were so before: of a migration that is under way."""
        known = (self.meta.active, self.meta.previous)
        return tuple(field for field in self.meta.fields if field.name not in known)


def read_state(cluster: Cluster, name: str) -> MigrationState:
    """Refreshes the index, and counts. Raises IndexMissing, IndexUnreadable, MigrationRefused."""
    path = f"/{quote(name, safe='')}"
    found: Mapping[str, Any] = cluster.request("GET", f"{path}/_mapping").body
    if len(found) != 1:
        raise MigrationRefused(
            f"{name} stands for {len(found)} indexes ({', '.join(sorted(found)[:5])}): move one "
            "after the other"
        )
    ((index, about),) = found.items()
    mapping = about["mappings"]
    meta = read_meta(mapping, index)
    cluster.request("POST", f"/{index}/_refresh")
    described = {field.name for field in meta.fields}
    properties: Mapping[str, Any] = mapping.get("properties", {})
    left = [n for n, own in properties.items() if _is_latent(n, own) and n not in described]
    return MigrationState(
        index=index,
        mapping=mapping,
        meta=meta,
        documents=_count(cluster, index, {"match_all": {}}),
        lacking={name: _count(cluster, index, without_field(name)) for name in described},
        dropped={name: held for name in left if (held := _count(cluster, index, with_field(name)))},
    )


def start(state: MigrationState, *, fingerprint: str, model: str | None) -> ServerRequest | None:
    """Adds the field of a new model, spelled and made of the same fields as the active one.

    None where it is there already. Raises MigrationRefused.
    """
    active = _active(state)
    if fingerprint == active.fingerprint:
        raise MigrationRefused(
            f"{state.index} uses the terms of model {fingerprint} already: there is nothing to move"
        )
    field = replace(active, fingerprint=fingerprint, model=model)
    if state.meta.field_of(fingerprint) is not None:
        return None
    if any(other.name == field.name for other in state.meta.fields):
        raise MigrationRefused(
            f"{state.index} has a field {field.name} of another model already, whose fingerprint "
            f"begins like {fingerprint}: drop that one first"
        )
    return _update(state, state.meta.with_field(field), field)


def target(state: MigrationState, fingerprint: str | None) -> LatentField:
    """The field to switch to: that of the model, or the only one beside the active one.

    Raises MigrationRefused.
    """
    others = [field for field in state.meta.fields if field.name != _active(state).name]
    if fingerprint is not None:
        others = [field for field in others if field.fingerprint == fingerprint]
    if len(others) != 1:
        there = ", ".join(f"{f.fingerprint} ({f.model})" for f in others) or "none"
        raise MigrationRefused(
            f"{state.index}: name the model to switch to; beside the active one there are {there}"
        )
    return others[0]


def switch(state: MigrationState, field: LatentField, *, allow_missing: int = 0) -> ServerRequest:
    """Raises MigrationRefused while more than `allow_missing` documents lack the field."""
    lacking = state.lacking[field.name]
    if lacking > allow_missing:
        raise MigrationRefused(
            f"{lacking:,} of the {state.documents:,} documents of {state.index} lack {field.name}, "
            f"and {allow_missing:,} may: fill them first, or allow as many"
        )
    return _update(state, state.meta.activated(field.name))


def rollback(state: MigrationState) -> ServerRequest:
    """Raises MigrationRefused where there is no field from before."""
    if state.meta.previous is None:
        raise MigrationRefused(
            f"{state.index} has no field from before a switch: there is nothing to go back to"
        )
    return _update(state, state.meta.activated(state.meta.previous))


def to_drop(state: MigrationState, field: str | None) -> str:
    """The field to drop: the one named, or the one that was active before.

    Raises MigrationRefused for the active field, and where none is named and none is left.
    """
    found = field or state.meta.previous or next(iter(state.dropped), None)
    if found is None:
        names = ", ".join(own.name for own in state.waiting) or "none"
        raise MigrationRefused(
            f"{state.index} has no field from before a switch; others that can be dropped: {names}"
        )
    if found == state.meta.active:
        raise MigrationRefused(f"{found} is what searches of {state.index} use: switch first")
    if not _is_latent(found, state.mapping.get("properties", {}).get(found, {})):
        raise MigrationRefused(f"{state.index} has no latent field {found}: look at the status")
    return found


def forget(state: MigrationState, field: str) -> ServerRequest | None:
    """Takes a field out of `_meta`: nobody fills or searches it from then on. None: done before."""
    if all(field != own.name for own in state.meta.fields):
        return None
    return _update(state, state.meta.without_field(field))


def _update(state: MigrationState, meta: IndexMeta, *fields: LatentField) -> ServerRequest:
    body = mapping_update(state.mapping, meta, *fields)
    return ServerRequest("PUT", f"/{state.index}/_mapping", body)


def _active(state: MigrationState) -> LatentField:
    active = state.meta.active_field
    if active is None:
        raise MigrationRefused(
            f"{state.index} has no latent terms yet: give it some by a back-fill, then there is "
            "something to move from"
        )
    return active


def _is_latent(name: str, mapping: Mapping[str, Any]) -> bool:
    """Not the alias, nor what lies beside a latent field."""
    return is_reserved(name) and mapping.get("type") == "text"


def _count(cluster: Cluster, index: str, query: Mapping[str, Any]) -> int:
    return int(cluster.request("POST", f"/{index}/_count", body={"query": query}).body["count"])
