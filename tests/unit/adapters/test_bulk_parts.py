"""Bulk loading without a server: cutting, waiting, how many at once, what an answer means."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, islice

import pytest

from adapters.bulk.answer import read
from adapters.bulk.chunks import Action, ChunkLimits, chunks
from adapters.bulk.concurrency import Concurrency
from adapters.errors import AccessDenied, EngineError, IndexLocked
from adapters.server.backoff import LONGEST_SECONDS, delays
from adapters.server.cluster import Answer

LARGE = ChunkLimits(actions=1_000, bytes=1_000_000, seconds=1e9)


def action(id: str, size: int = 10) -> Action[None]:
    return Action(id, b"x" * size, None)


def cut(actions: list[Action[None]], limits: ChunkLimits) -> list[list[str]]:
    return [[a.id for a in chunk] for chunk in chunks(actions, lambda: limits)]


def test_chunks_are_cut_by_count() -> None:
    limits = ChunkLimits(actions=2, bytes=1_000, seconds=1e9)
    assert cut([action(id) for id in "abcde"], limits) == [["a", "b"], ["c", "d"], ["e"]]


def test_chunks_are_cut_before_they_are_too_large_and_a_huge_action_goes_alone() -> None:
    limits = ChunkLimits(actions=100, bytes=25, seconds=1e9)
    actions = [action("a"), action("b"), action("c"), action("huge", 99), action("d")]
    assert cut(actions, limits) == [["a", "b"], ["c"], ["huge"], ["d"]]


def test_a_chunk_holds_a_document_once_and_keeps_the_order() -> None:
    assert cut([action(id) for id in "abacb"], LARGE) == [["a", "b"], ["a", "c", "b"]]


def test_an_old_chunk_is_sent_when_the_next_action_arrives() -> None:
    seconds = count(0, 0.9)
    limits = ChunkLimits(actions=100, bytes=1_000, seconds=2)
    cut = chunks([action(id) for id in "abcdefg"], lambda: limits, clock=lambda: next(seconds))
    assert [[a.id for a in chunk] for chunk in cut] == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


def test_limits_that_shrink_hold_from_the_next_action_on() -> None:
    now = [ChunkLimits(actions=3, bytes=1_000, seconds=1e9)]

    def actions() -> Iterator[Action[None]]:
        for id in "abcdef":
            if id == "d":
                now[0] = ChunkLimits(actions=1, bytes=1_000, seconds=1e9)
            yield action(id)

    found = [[a.id for a in chunk] for chunk in chunks(actions(), lambda: now[0])]
    assert found == [["a", "b", "c"], ["d"], ["e"], ["f"]]


def test_chunks_read_no_further_than_they_must() -> None:
    read: list[int] = []

    def actions() -> Iterator[Action[None]]:
        for n in count():
            read.append(n)
            yield action(str(n))

    stream = chunks(actions(), lambda: ChunkLimits(actions=4, bytes=1_000, seconds=1e9))
    assert len(next(stream)) == 4
    assert len(read) == 5


def test_delays_double_with_jitter_up_to_a_bound() -> None:
    waits = list(islice(delays(chance=random.Random(1)), 12))
    longest = [min(0.25 * 2**n, LONGEST_SECONDS) for n in range(12)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len({wait / most for wait, most in zip(waits, longest, strict=True)}) == 12


def test_concurrency_rises_to_its_bound_and_halves_once_for_one_overload() -> None:
    now = [0.0]
    concurrency = Concurrency(8, clock=lambda: now[0])
    limits = [concurrency.limit]
    for _ in range(9):
        concurrency.succeeded()
        limits.append(concurrency.limit)
    assert limits == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8]
    concurrency.overloaded()
    concurrency.overloaded()
    assert concurrency.limit == 4
    now[0] = 1.5
    concurrency.overloaded()
    assert concurrency.limit == 2
    for _ in range(5):
        now[0] += 2
        concurrency.overloaded()
    assert concurrency.limit == 1


def test_concurrency_rises_slowly_after_an_overload() -> None:
    concurrency = Concurrency(8, clock=lambda: 0.0)
    for _ in range(8):
        concurrency.succeeded()
    concurrency.overloaded()
    for _ in range(4):
        concurrency.succeeded()
    assert concurrency.limit == 4
    concurrency.succeeded()
    assert concurrency.limit == 5


# as OpenSearch 3.6.0 and Elasticsearch 9.4.3 answer
CONFLICT = {
    "type": "version_conflict_engine_exception",
    "reason": "[2]: version conflict, required seqNo [9], primary term [1]",
    "index_uuid": "upiiuiB8TmerjwBSRLuojw",
}
UNPARSED = {
    "type": "document_parsing_exception",
    "reason": "[1:7] failed to parse field [n] of type [long] in document with id '3'",
    "caused_by": {"type": "illegal_argument_exception", "reason": 'For input string: "x"'},
}
REJECTED = {"type": "es_rejected_execution_exception", "reason": "queue full"}


def test_items_are_settled_or_sent_again() -> None:
    chunk = [action(id) for id in "abcde"]
    items = [
        {"index": {"_id": "a", "status": 201}},
        {"index": {"_id": "b", "status": 429, "error": REJECTED}},
        {"update": {"_id": "c", "status": 409, "error": CONFLICT}},
        {"index": {"_id": "d", "status": 400, "error": UNPARSED}},
        {"delete": {"_id": "e", "status": 404, "result": "not_found"}},
    ]
    reading = read(chunk, Answer(200, {"errors": True, "items": items}))
    assert [(o.action.id, o.status, o.done) for o in reading.settled] == [
        ("a", 201, True),
        ("c", 409, False),
        ("d", 400, False),
        ("e", 404, False),
    ]
    assert [a.id for a in reading.again] == ["b"]
    assert reading.reason == "429: queue full"
    assert reading.settled[2].reason == (
        "[1:7] failed to parse field [n] of type [long] in document with id '3': "
        'For input string: "x"'
    )


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_answer_is_sent_again_as_a_whole(status: int) -> None:
    chunk = [action("a"), action("b")]
    reading = read(chunk, Answer(status, "<html>a proxy's page</html>"))
    assert (reading.settled, reading.again) == ([], chunk)
    assert reading.reason == f"{status}: <html>a proxy's page</html>"


@pytest.mark.parametrize("body", [None, "ok", {"took": 1}, {"items": [{"index": {"status": 201}}]}])
def test_an_answer_with_items_missing_is_not_taken_for_success(body: object) -> None:
    chunk = [action("a"), action("b")]
    assert read(chunk, Answer(200, body)).again == chunk


BLOCKED = {
    "type": "cluster_block_exception",
    "reason": "index [books] blocked by: [FORBIDDEN/8/index write (api)];",
}


def test_what_is_refused_because_of_the_whole_index_is_raised() -> None:
    item = {"update": {"_id": "a", "status": 403, "error": BLOCKED}}
    with pytest.raises(IndexLocked, match="'a'.*books.*Lift the block"):
        read([action("a")], Answer(200, {"errors": True, "items": [item]}))
    with pytest.raises(AccessDenied, match="401"):
        read([action("a")], Answer(401, {"error": "unauthorized", "status": 401}))
    with pytest.raises(EngineError, match="Malformed"):
        read([action("a")], Answer(400, {"error": {"reason": "Malformed action"}}))
