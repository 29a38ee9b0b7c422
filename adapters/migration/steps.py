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
from functools import partial
from typing import Any

from ..backfill.checks import check_sources
from ..backfill.target import IN_SOURCE_ONLY, read_index
from ..backfill.walk import refuse_partial
from ..dialect.dialect import hash_field_name, is_reserved
from ..dialect.mapping import mapping_update
from ..dialect.meta import IndexMeta, LatentField
from ..dialect.query import with_field, without_field
from ..errors import MigrationRefused
from ..server.cluster import Cluster
from ..server.request import ServerRequest, index_path


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
    def waiting(self) -> LatentField | None:
        """A field that is neither active nor was so before: of a migration that is under way."""
        known = (self.meta.active, self.meta.previous)
        return next((field for field in self.meta.fields if field.name not in known), None)


def read_state(cluster: Cluster, name: str) -> MigrationState:
    """Refreshes the index, and counts.

    Raises IndexMissing, IndexUnreadable, UnsupportedAddress for a name of several indexes, and
    EngineUnavailable where not every shard answers.
    """
    found = read_index(cluster, name)
    cluster.request("POST", index_path(found.name, "_refresh"))
    described = {field.name for field in found.meta.fields}
    properties: Mapping[str, Any] = found.mapping.get("properties", {})
    left = [n for n, own in properties.items() if _is_latent(n, own) and n not in described]
    count = partial(_count, cluster, found.name)
    return MigrationState(
        index=found.name,
        mapping=found.mapping,
        meta=found.meta,
        documents=count({"match_all": {}}),
        lacking={name: count(without_field(name)) for name in described},
        dropped={name: held for name in left if (held := count(with_field(name)))},
    )


def start(state: MigrationState, *, fingerprint: str, model: str | None) -> ServerRequest | None:
    """Adds the field of a new model, spelled and made of the same fields as the active one.

    None where it is there already. Raises MigrationRefused, and SchemaRejected where documents
    cannot be updated.
    """
    active = _active(state)
    check_sources(state.mapping, state.index)
    if fingerprint == active.fingerprint:
        raise MigrationRefused(
            f"{state.index} uses the terms of model {fingerprint} already: there is nothing to move"
        )
    if state.meta.field_of(fingerprint) is not None:
        return None
    if other := _beside(state):
        raise MigrationRefused(
            f"{state.index} has {other.name} of model {other.fingerprint} beside the active field: "
            f"switch to it, or drop it (--field {other.name}), before you move to a third model"
        )
    field = replace(active, fingerprint=fingerprint, model=model)
    if field.name == active.name:
        raise MigrationRefused(
            f"the fingerprints {fingerprint} and {active.fingerprint} begin alike, and so would "
            "share one field: train the model again with another setting"
        )
    body = mapping_update(state.mapping, state.meta.with_field(field), field)
    body["properties"][hash_field_name(field.name)] = IN_SOURCE_ONLY
    return _put(state, body)


def target(state: MigrationState, fingerprint: str | None = None) -> LatentField:
    """The field beside the active one; raises MigrationRefused where it is not of the model."""
    other = _beside(state)
    if other is None:
        raise MigrationRefused(
            f"{state.index} has the terms of one model, {_active(state).fingerprint}: start a "
            "migration to another first"
        )
    if fingerprint not in (None, other.fingerprint):
        raise MigrationRefused(
            f"{state.index} has no terms of model {fingerprint}; beside the active one it has "
            f"those of {other.fingerprint}"
        )
    return other


def switch(state: MigrationState, field: LatentField, *, allow_missing: int = 0) -> ServerRequest:
    """Raises MigrationRefused while more than `allow_missing` documents lack the field."""
    lacking = state.lacking[field.name]
    if lacking > allow_missing:
        raise MigrationRefused(
            f"{lacking:,} of the {state.documents:,} documents of {state.index} lack {field.name}, "
            f"and {allow_missing:,} may: fill them first, or allow as many"
        )
    return _describe(state, state.meta.activated(field.name))


def rollback(state: MigrationState) -> ServerRequest:
    """Raises MigrationRefused where there is no field from before."""
    if state.meta.previous is None:
        raise MigrationRefused(
            f"{state.index} has no field from before a switch: there is nothing to go back to"
        )
    return _describe(state, state.meta.activated(state.meta.previous))


def to_drop(state: MigrationState, field: str | None) -> str:
    """The field to drop: the one named, or the one that was active before.

    Raises MigrationRefused for the active field, and where none is named and none is left.
    """
    found = field or state.meta.previous or next(iter(state.dropped), None)
    if found is None:
        named = f"; name {state.waiting.name} to drop that" if state.waiting else ""
        raise MigrationRefused(f"{state.index} has no field from before a switch{named}")
    if found == state.meta.active:
        raise MigrationRefused(f"{found} is what searches of {state.index} use: switch first")
    if not _is_latent(found, state.mapping.get("properties", {}).get(found, {})):
        raise MigrationRefused(f"{state.index} has no latent field {found}: look at the status")
    return found


def forget(state: MigrationState, field: str) -> ServerRequest | None:
    """Takes a field out of `_meta`: nobody fills or searches it from then on. None: done before."""
    if all(field != own.name for own in state.meta.fields):
        return None
    return _describe(state, state.meta.without_field(field))


def _describe(state: MigrationState, meta: IndexMeta) -> ServerRequest:
    return _put(state, mapping_update(state.mapping, meta))


def _put(state: MigrationState, body: Mapping[str, Any]) -> ServerRequest:
    return ServerRequest("PUT", index_path(state.index, "_mapping"), body)


def _active(state: MigrationState) -> LatentField:
    active = state.meta.active_field
    if active is None:
        raise MigrationRefused(
            f"{state.index} has no latent terms yet: give it some by a back-fill, then there is "
            "something to move from"
        )
    return active


def _beside(state: MigrationState) -> LatentField | None:
    """`start` sees to it that there is one at most."""
    active = _active(state)
    return next((field for field in state.meta.fields if field != active), None)


def _is_latent(name: str, mapping: Mapping[str, Any]) -> bool:
    """Not the alias, nor what lies beside a latent field."""
    return is_reserved(name) and mapping.get("type") == "text"


def _count(cluster: Cluster, index: str, query: Mapping[str, Any]) -> int:
    answer = cluster.request("POST", index_path(index, "_count"), body={"query": query})
    refuse_partial(answer)
    return int(answer.body["count"])
