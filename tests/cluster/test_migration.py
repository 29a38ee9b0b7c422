"""Moving an index to another model on real servers, while it is searched and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from adapters import Search, SearchRequest
from adapters.backfill.backfill import Backfill, BackfillProgress
from adapters.backfill.target import find_target
from adapters.errors import MigrationRefused, ModelMismatch
from adapters.migration.comparison import Side, SideBySide
from adapters.migration.field_removal import remove, remove_one_by_one
from adapters.migration.steps import (
    MigrationState,
    forget,
    read_state,
    rollback,
    start,
    switch,
    target,
    to_drop,
)
from adapters.server.engine import ServerEngine
from adapters.server.request import ServerRequest

from .two_models import NEW, OLD, Model, books, document

pytestmark = pytest.mark.engine

OLD_FIELD = f"latent_terms_{OLD.fingerprint[:6]}"
NEW_FIELD = f"latent_terms_{NEW.fingerprint[:6]}"
DOCUMENTS = 60


@pytest.fixture(params=["elasticsearch", "opensearch"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def engine(url: str) -> Iterator[ServerEngine]:
    with books(url, documents=DOCUMENTS) as engine:
        yield engine


def state(engine: ServerEngine) -> MigrationState:
    return read_state(engine.cluster, engine.index)


def send(engine: ServerEngine, request: ServerRequest | None) -> None:
    assert request is not None
    engine.cluster.request(request.method, request.path, body=request.body)


def begin(engine: ServerEngine) -> None:
    send(engine, start(state(engine), fingerprint=NEW.fingerprint, model="new"))


def fill(engine: ServerEngine, model: Model = NEW) -> BackfillProgress:
    place = find_target(engine.cluster, engine.index, fingerprint=model.fingerprint, model=None)
    return Backfill(place, model, reject=lambda document, reason: None).run()


def change(engine: ServerEngine, *, allow_missing: int = 0) -> None:
    now = state(engine)
    send(engine, switch(now, target(now), allow_missing=allow_missing))


def moved(engine: ServerEngine) -> None:
    begin(engine)
    fill(engine)
    change(engine)


def latent(model: Model, text: str) -> SearchRequest:
    terms = model.encode_query(text)
    return SearchRequest(terms=terms, fingerprint=model.fingerprint, size=100)


def ids(engine: ServerEngine, model: Model, text: str = "wing") -> set[str]:
    return {hit.id for hit in engine.search(latent(model, text)).hits}


def sources(engine: ServerEngine) -> dict[str, dict[str, Any]]:
    """As they lie in the index, with our fields."""
    found = engine.cluster.request("GET", f"/{engine.index}/_search?size=1000").body
    return {hit["_id"]: hit["_source"] for hit in found["hits"]["hits"]}


def alias(engine: ServerEngine) -> str:
    mapping = engine.cluster.request("GET", f"/{engine.index}/_mapping").body[engine.index]
    return str(mapping["mappings"]["properties"]["latent_terms"]["path"])


def test_a_start_adds_the_new_field_and_leaves_searches_alone(engine: ServerEngine) -> None:
    before = ids(engine, OLD)
    begin(engine)
    now = state(engine)
    assert now.meta.active == alias(engine) == OLD_FIELD
    assert now.lacking == {OLD_FIELD: 0, NEW_FIELD: DOCUMENTS}
    assert now.waiting is not None and now.waiting.name == NEW_FIELD
    assert ids(engine, OLD) == before != set()
    assert engine.describe().fingerprint == OLD.fingerprint


def test_a_second_start_has_nothing_left_to_do(engine: ServerEngine) -> None:
    begin(engine)
    assert start(state(engine), fingerprint=NEW.fingerprint, model="new") is None


def test_the_new_field_is_spelled_like_the_old_one(engine: ServerEngine) -> None:
    moved(engine)
    old, new = state(engine).meta.fields
    assert old.spelling == new.spelling
    assert replace(new, fingerprint=old.fingerprint, model=old.model) == old


def test_a_back_fill_gives_every_document_the_terms_of_the_new_model(engine: ServerEngine) -> None:
    expected = ids(engine, OLD)
    begin(engine)
    done = fill(engine)
    assert (done.updated, done.missing) == (DOCUMENTS, 0)
    assert state(engine).lacking[NEW_FIELD] == 0
    assert ids(engine, NEW) == expected  # both models may be searched, before the switch too


def test_a_switch_moves_alias_and_meta_together_and_a_rollback_both_back(
    engine: ServerEngine,
) -> None:
    moved(engine)
    now = state(engine)
    assert (now.meta.active, now.meta.previous, alias(engine)) == (NEW_FIELD, OLD_FIELD, NEW_FIELD)
    assert engine.describe().fingerprint == NEW.fingerprint
    send(engine, rollback(now))
    now = state(engine)
    assert (now.meta.active, now.meta.previous, alias(engine)) == (OLD_FIELD, NEW_FIELD, OLD_FIELD)
    change(engine)
    assert alias(engine) == NEW_FIELD


def test_the_users_own_query_through_the_alias_follows_the_switch(engine: ServerEngine) -> None:
    def through_alias(model: Model) -> set[str]:
        terms = " ".join(model.encode_query("wing"))
        body = {"size": 100, "query": {"match": {"latent_terms": terms}}}
        hits = engine.cluster.request("POST", f"/{engine.index}/_search", body=body).body["hits"]
        return {hit["_id"] for hit in hits["hits"]}

    before = through_alias(OLD)
    moved(engine)
    assert through_alias(NEW) == before != set()


def test_a_switch_is_refused_while_documents_lack_the_new_field(engine: ServerEngine) -> None:
    begin(engine)
    fill(engine)
    engine.add([document(1000), document(1001)], fingerprint=OLD.fingerprint)
    with pytest.raises(MigrationRefused, match="2 of the 62 documents.*lack latent_terms_bbbbbb"):
        change(engine)
    assert alias(engine) == OLD_FIELD
    with pytest.raises(MigrationRefused, match="and 1 may"):
        change(engine, allow_missing=1)
    change(engine, allow_missing=2)
    assert alias(engine) == NEW_FIELD


def test_documents_without_the_active_field_are_found_by_their_words(engine: ServerEngine) -> None:
    begin(engine)
    fill(engine)
    engine.add([document(1000, text="ornithopter")], fingerprint=OLD.fingerprint)
    change(engine, allow_missing=1)
    assert state(engine).lacking[NEW_FIELD] == 1
    words = SearchRequest(
        text="ornithopter",
        terms=NEW.encode_query("ornithopter"),
        fingerprint=NEW.fingerprint,
    )
    assert [hit.id for hit in engine.search(words).hits] == ["1000"]
    assert "1000" not in ids(engine, NEW, "ornithopter")
    fill(engine)
    assert "1000" in ids(engine, NEW, "ornithopter")


def test_a_document_without_text_does_not_hold_up_a_switch(engine: ServerEngine) -> None:
    engine.add([document(1000, text="...")], fingerprint=OLD.fingerprint)
    moved(engine)
    now = state(engine)
    assert now.lacking == {OLD_FIELD: 0, NEW_FIELD: 0}
    assert engine.statistics().documents_with_terms == DOCUMENTS + 1


def test_writers_and_searchers_with_the_old_model_go_on_after_the_switch(
    engine: ServerEngine,
) -> None:
    moved(engine)
    engine.add([document(1000)], fingerprint=OLD.fingerprint)
    engine.add([document(1001, NEW)], fingerprint=NEW.fingerprint)
    assert state(engine).lacking == {OLD_FIELD: 1, NEW_FIELD: 1}
    assert "1000" in ids(engine, OLD, "lift")
    assert "1001" in ids(engine, NEW, "drag")
    assert Search(engine, OLD).index([document(1002, None)]).indexed == 1
    assert Search(engine, OLD).search("shock").total > 0
    third = Model("0" * 12, 11)
    with pytest.raises(ModelMismatch):
        engine.add([document(1003)], fingerprint=third.fingerprint)
    with pytest.raises(ModelMismatch):
        Search(engine, third).index([document(1003, None)])
    with pytest.raises(ModelMismatch):
        Search(engine, third).search("shock")


def test_a_back_fill_that_was_under_way_does_not_undo_a_switch(engine: ServerEngine) -> None:
    old = find_target(engine.cluster, engine.index, fingerprint=OLD.fingerprint, model=None)
    moved(engine)
    Backfill(old, OLD, reject=lambda document, reason: None).run()
    old.activate()
    assert (state(engine).meta.active, alias(engine)) == (NEW_FIELD, NEW_FIELD)


def test_a_drop_takes_the_terms_out_of_every_document_and_nothing_else(
    engine: ServerEngine,
) -> None:
    moved(engine)
    before = sources(engine)
    drop(engine, OLD_FIELD, remove)
    now = state(engine)
    assert [field.name for field in now.meta.fields] == [NEW_FIELD]
    assert (now.meta.previous, now.dropped, now.lacking) == (None, {}, {NEW_FIELD: 0})
    ours = (OLD_FIELD, f"{OLD_FIELD}_hash")
    assert sources(engine) == {
        id: {name: value for name, value in source.items() if name not in ours}
        for id, source in before.items()
    }
    with pytest.raises(MigrationRefused, match="nothing to go back to"):
        rollback(now)


def drop(engine: ServerEngine, field: str, by: Callable[..., None]) -> None:
    now = state(engine)
    assert to_drop(now, None) == field
    send(engine, forget(now, field))
    by(engine.cluster, engine.index, field, lambda done, total: None)


def test_a_drop_works_where_the_server_runs_no_scripts(engine: ServerEngine) -> None:
    moved(engine)
    drop(engine, OLD_FIELD, remove_one_by_one)
    assert (state(engine).dropped, state(engine).lacking) == ({}, {NEW_FIELD: 0})
    assert all(source[OLD_FIELD] is None for source in sources(engine).values())
    assert len(ids(engine, NEW)) == len(ids(engine, NEW, "wing")) > 0


def test_a_drop_that_was_interrupted_is_seen_and_goes_on(engine: ServerEngine) -> None:
    moved(engine)
    send(engine, forget(state(engine), OLD_FIELD))
    now = state(engine)
    assert now.dropped == {OLD_FIELD: DOCUMENTS}
    assert to_drop(now, None) == to_drop(now, OLD_FIELD) == OLD_FIELD
    assert forget(now, OLD_FIELD) is None
    remove(engine.cluster, engine.index, OLD_FIELD, lambda done, total: None)
    assert state(engine).dropped == {}


def test_a_field_that_was_dropped_can_be_filled_again(engine: ServerEngine) -> None:
    moved(engine)
    drop(engine, OLD_FIELD, remove)
    send(engine, start(state(engine), fingerprint=OLD.fingerprint, model="old"))
    assert state(engine).lacking[OLD_FIELD] == DOCUMENTS
    fill(engine, OLD)
    change(engine)
    assert state(engine).lacking[OLD_FIELD] == 0
    assert len(ids(engine, OLD)) > 0


def test_two_models_that_rank_alike_agree_wholly_side_by_side(engine: ServerEngine) -> None:
    begin(engine)
    fill(engine)
    queries = ["lift and drag", "shock wave", ""]
    compared = list(side_by_side(engine).over(queries))
    assert [each.query for each in compared] == queries
    assert all(each.overlap(10) == 1 for each in compared)
    assert all(each.agreement() == pytest.approx(1) for each in compared)
    assert all(each.old.took >= 0 for each in compared)
    assert len(compared[0].old.ids) == 10
    assert compared[2].old.ids == compared[2].new.ids == ()


def test_a_side_that_is_not_filled_yet_shows_in_the_comparison(engine: ServerEngine) -> None:
    begin(engine)
    (compared,) = side_by_side(engine, lexical_weight=0.0).over(["lift"])
    assert len(compared.old.ids) == 10
    assert (compared.new.ids, compared.overlap(10)) == ((), 0)


def side_by_side(engine: ServerEngine, **weights: float) -> SideBySide:
    return SideBySide(
        engine.cluster,
        engine.index,
        engine.describe_fully(),
        old=Side(OLD.fingerprint, OLD.encode_query),
        new=Side(NEW.fingerprint, NEW.encode_query),
        request=SearchRequest(size=10, **weights),
    )


def test_a_comparison_needs_both_models_in_the_index(engine: ServerEngine) -> None:
    with pytest.raises(ModelMismatch, match=NEW.fingerprint):
        side_by_side(engine)


@contextmanager
def at_the_same_time(*actions: Callable[[int], None]) -> Iterator[list[Exception]]:
    """Each action again and again in a thread of its own, with the number of the round."""
    failures: list[Exception] = []
    stop = threading.Event()

    def again_and_again(action: Callable[[int], None]) -> None:
        rounds = 0
        while not stop.is_set():
            try:
                action(rounds)
            except Exception as exc:  # whatever it is, the test fails by it
                failures.append(exc)
                return
            rounds += 1

    threads = [threading.Thread(target=again_and_again, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_documents_are_written_and_searched_all_through_a_migration(engine: ServerEngine) -> None:
    written: dict[str, str] = {}

    def write(number: int) -> None:
        """Documents that are there, and new ones, with the old model."""
        id = number * 7 % (2 * DOCUMENTS)
        text = f"wing number {number}"
        engine.add([document(id, text=text)], fingerprint=OLD.fingerprint)
        written[str(id)] = text

    def search(number: int) -> None:
        assert ids(engine, OLD), f"search {number} found nothing"
        assert engine.search(SearchRequest(text="wing")).total > 0

    with at_the_same_time(write, search) as failures:
        begin(engine)
        fill(engine)
        change(engine, allow_missing=DOCUMENTS)
        rounds = len(written)
        send(engine, rollback(state(engine)))
        change(engine, allow_missing=2 * DOCUMENTS)
    assert failures == []
    assert rounds > 0
    fill(engine)
    assert state(engine).lacking[NEW_FIELD] == 0
    stored = sources(engine)
    assert {id: stored[id]["title"] for id in written} == written
    for id, source in stored.items():
        assert terms_of(source[NEW_FIELD]) == next(NEW.encode_documents([source["title"]])), id


def terms_of(spelled: str) -> dict[str, int]:
    terms: dict[str, int] = {}
    for word in spelled.split():
        term, _, frequency = word.partition("|")
        terms[term] = terms.get(term, 0) + int(frequency or 1)
    return terms
