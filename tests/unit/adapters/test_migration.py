"""Which steps of a migration are possible from where; the servers' part is in tests/cluster."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.dialect.meta import IndexMeta, LatentField, read_meta
from adapters.errors import MigrationRefused, SchemaRejected
from adapters.migration.steps import (
    MigrationState,
    forget,
    rollback,
    start,
    switch,
    target,
    to_drop,
)
from adapters.server.request import ServerRequest

A = LatentField("aaaaaa111111", "a", "frequencies", ("title", "body"))
B = LatentField("bbbbbb222222", "b", "repeat", ("title", "body"))
FIRST = IndexMeta((A,), active=A.name)
STARTED = IndexMeta((A, B), active=A.name)
SWITCHED = STARTED.activated(B.name)
OTHERS = {"owner": "catalogue"}


def state(meta: IndexMeta, **more: Any) -> MigrationState:
    text = {"type": "text"}
    properties = {field.name: text for field in (A, B)}
    properties |= {f"{A.name}_hash": {"type": "keyword"}, "latent_terms": {"type": "alias"}}
    defaults = {"documents": 10, "lacking": {A.name: 0, B.name: 0}, "dropped": {}}
    mapping = {"properties": {"title": text, **properties}, "_meta": OTHERS}
    return MigrationState("books", **{"mapping": mapping, "meta": meta, **defaults, **more})


def meta_of(request: ServerRequest | None) -> IndexMeta:
    assert request is not None and request.body is not None
    assert (request.method, request.path) == ("PUT", "/books/_mapping")
    assert request.body["_meta"]["owner"] == "catalogue", "the user's own part stays"
    return read_meta(request.body, "books")


def alias_of(request: ServerRequest) -> str:
    assert request.body is not None
    return str(request.body["properties"]["latent_terms"]["path"])


def test_a_start_adds_a_field_spelled_and_made_like_the_active_one() -> None:
    request = start(state(FIRST), fingerprint=B.fingerprint, model="b")
    added = LatentField(B.fingerprint, "b", A.spelling, A.text_fields)
    assert meta_of(request) == IndexMeta((A, added), active=A.name)
    assert request is not None and request.body is not None
    assert set(request.body["properties"]) == {B.name, f"{B.name}_hash", "latent_terms"}
    assert alias_of(request) == A.name


def test_a_start_that_was_made_adds_nothing() -> None:
    assert start(state(STARTED), fingerprint=B.fingerprint, model="b") is None


@pytest.mark.parametrize(
    ("meta", "fingerprint", "reason"),
    [
        (IndexMeta(), B.fingerprint, "no latent terms yet"),
        (FIRST, A.fingerprint, "nothing to move"),
        (FIRST, "aaaaaa999999", "begin alike"),
        (STARTED, "cccccc333333", "third model"),
        (SWITCHED, "cccccc333333", f"--field {A.name}"),
    ],
)
def test_a_start_that_leads_nowhere_is_refused(
    meta: IndexMeta, fingerprint: str, reason: str
) -> None:
    with pytest.raises(MigrationRefused, match=reason):
        start(state(meta), fingerprint=fingerprint, model="c")


def test_a_start_is_refused_where_documents_cannot_be_updated() -> None:
    mapping = {"_source": {"enabled": False}, "properties": {"title": {"type": "text"}}}
    with pytest.raises(SchemaRejected, match="_source"):
        start(state(FIRST, mapping=mapping), fingerprint=B.fingerprint, model="b")


def test_the_target_is_the_field_beside_the_active_one() -> None:
    assert target(state(STARTED)) == target(state(STARTED), B.fingerprint) == B
    assert target(state(SWITCHED)) == A
    with pytest.raises(MigrationRefused, match="terms of one model"):
        target(state(FIRST))
    with pytest.raises(MigrationRefused, match="no terms of model cccccc333333"):
        target(state(STARTED), "cccccc333333")


def test_a_switch_changes_alias_and_meta_in_one_request() -> None:
    request = switch(state(STARTED), B)
    assert alias_of(request) == B.name
    assert meta_of(request) == SWITCHED
    assert (SWITCHED.active, SWITCHED.previous) == (B.name, A.name)


@pytest.mark.parametrize(("lacking", "allowed"), [(1, 0), (3, 2)])
def test_a_switch_is_refused_while_too_many_documents_lack_the_field(
    lacking: int, allowed: int
) -> None:
    here = state(STARTED, lacking={A.name: 0, B.name: lacking})
    with pytest.raises(MigrationRefused, match=f"{lacking} of the 10 documents"):
        switch(here, B, allow_missing=allowed)
    assert meta_of(switch(here, B, allow_missing=lacking)) == SWITCHED


def test_a_rollback_is_a_switch_to_the_field_from_before_whatever_it_lacks() -> None:
    request = rollback(state(SWITCHED, lacking={A.name: 9, B.name: 0}))
    assert alias_of(request) == A.name
    assert meta_of(request) == IndexMeta((A, B), active=A.name, previous=B.name)


@pytest.mark.parametrize("meta", [FIRST, STARTED])
def test_a_field_that_was_never_active_is_nothing_to_go_back_to(meta: IndexMeta) -> None:
    with pytest.raises(MigrationRefused, match="nothing to go back to"):
        rollback(state(meta))


def test_what_is_dropped_is_the_field_from_before_or_the_one_named() -> None:
    assert to_drop(state(SWITCHED), None) == A.name
    assert to_drop(state(STARTED), B.name) == B.name
    assert to_drop(state(FIRST, dropped={B.name: 4}), None) == B.name
    with pytest.raises(MigrationRefused, match=f"name {B.name}"):
        to_drop(state(STARTED), None)


@pytest.mark.parametrize("field", [B.name, "title", "latent_terms", f"{A.name}_hash", "nonsense"])
def test_what_searches_use_and_what_is_no_latent_field_is_not_dropped(field: str) -> None:
    with pytest.raises(MigrationRefused):
        to_drop(state(SWITCHED), field)


def test_a_dropped_field_is_no_longer_described() -> None:
    assert meta_of(forget(state(SWITCHED), A.name)) == IndexMeta((B,), active=B.name)
    assert forget(state(IndexMeta((B,), active=B.name)), A.name) is None
