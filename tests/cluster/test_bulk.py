"""Bulk loading against real servers behind a proxy that refuses, cuts and delays."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.bulk.answer import Outcome
from adapters.bulk.bulk import Bulk
from adapters.bulk.chunks import Action, ChunkLimits
from adapters.errors import EngineUnavailable, IndexLocked
from adapters.server.cluster import Answer, Cluster

from ..servers.proxy import CutAfter, CutBefore, Fault, Proxy, Refuse, RefuseItems, Slow
from .plain_index import plain_index, sources

pytestmark = pytest.mark.engine


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


@contextmanager
def proxied(
    url: str, faults: Sequence[Fault] = (), **options: Any
) -> Iterator[tuple[Proxy, Cluster]]:
    with Proxy(url, faults, **options) as proxy:
        cluster = Cluster(proxy.url)
        yield proxy, cluster
        cluster.close()


def put(index: str, id: str, n: int = 0, filler: str = "") -> Action[int]:
    action, source = {"index": {"_index": index, "_id": id}}, {"n": n, "filler": filler}
    return Action(id, f"{json.dumps(action)}\n{json.dumps(source)}\n".encode(), n)


def run(bulk: Bulk, actions: Iterable[Action[int]]) -> list[Outcome[int]]:
    return list(bulk.run(actions))


SMALL = ChunkLimits(actions=20)


def test_everything_arrives_however_often_it_is_refused_cut_or_delayed(
    url: str, cluster: Cluster
) -> None:
    faults = [
        Refuse(429, retry_after=0.1),
        Refuse(503),
        CutBefore(),
        CutAfter(),
        Slow(0.1),
        RefuseItems(),
    ]
    with (
        plain_index(cluster, {}) as index,
        proxied(url, faults, share=0.5, seed=3) as (proxy, behind),
    ):
        bulk = Bulk(behind.bulk, limits=SMALL)
        outcomes = run(bulk, (put(index, str(n), n) for n in range(1_000)))
        assert len(outcomes) == 1_000
        assert all(outcome.done for outcome in outcomes)
        assert {outcome.action.subject for outcome in outcomes} == set(range(1_000))
        assert set(proxy.struck) == {type(fault).__name__ for fault in faults}
        assert {id: s["n"] for id, s in sources(cluster, index).items()} == {
            str(n): n for n in range(1_000)
        }


def test_the_last_action_on_a_document_wins_though_an_earlier_one_is_sent_again(
    url: str, cluster: Cluster
) -> None:
    with (
        plain_index(cluster, {}) as index,
        proxied(url, [RefuseItems()], share=0.7, seed=5) as (proxy, behind),
    ):
        actions = [put(index, str(n % 7), n) for n in range(30)]
        assert all(outcome.done for outcome in run(Bulk(behind.bulk, limits=SMALL), actions))
        assert proxy.struck["RefuseItems"] > 2
        assert {id: s["n"] for id, s in sources(cluster, index).items()} == {
            str(n % 7): n for n in range(23, 30)
        }


def test_requests_that_are_too_large_are_halved_and_stay_small(url: str, cluster: Cluster) -> None:
    with plain_index(cluster, {}) as index, proxied(url, most_bytes=20_000) as (proxy, behind):
        bulk = Bulk(behind.bulk)
        actions = [put(index, str(n), n, "x" * 1_000) for n in range(200)]
        actions[50] = put(index, "huge", 50, "x" * 30_000)
        outcomes = run(bulk, actions)
        (refused,) = [outcome for outcome in outcomes if not outcome.done]
        assert (refused.action.id, refused.status) == ("huge", 413)
        assert "30,0" in refused.reason
        assert len(sources(cluster, index)) == 199
        before = proxy.struck["Refuse"]
        run(bulk, [put(index, f"more{n}", n, "x" * 1_000) for n in range(40)])
        assert proxy.struck["Refuse"] == before


def test_what_the_server_refuses_comes_back_with_its_reason(cluster: Cluster) -> None:
    mapping = {"properties": {"n": {"type": "integer"}}}
    with plain_index(cluster, {}, mapping=mapping) as index:
        bad = Action("b", put(index, "b").lines.replace(b'"n": 0', b'"n": "seven"'), 0)
        outcomes = run(Bulk(cluster.bulk), [put(index, "a"), bad, put(index, "c")])
        assert [outcome.done for outcome in outcomes] == [True, False, True]
        assert outcomes[1].status == 400
        assert "failed to parse field [n]" in outcomes[1].reason
        assert set(sources(cluster, index)) == {"a", "c"}


def test_an_index_that_is_read_only_ends_the_run_in_one_sentence(cluster: Cluster) -> None:
    with plain_index(cluster, {}) as index:
        cluster.request("PUT", f"/{index}/_settings", body={"index.blocks.write": True})
        with pytest.raises(IndexLocked, match=index):
            run(Bulk(cluster.bulk, limits=SMALL), (put(index, str(n)) for n in range(100)))


def test_patience_ends(url: str, cluster: Cluster) -> None:
    with plain_index(cluster, {}) as index, proxied(url, [Refuse(429)]) as (_, behind):
        bulk = Bulk(behind.bulk, patience=0.5)
        with pytest.raises(EngineUnavailable, match=r"3 documents.*0\.5 seconds.*429.*bad mood"):
            run(bulk, [put(index, str(n)) for n in range(3)])


def test_retry_after_is_waited_for(url: str, cluster: Cluster) -> None:
    with (
        plain_index(cluster, {}) as index,
        proxied(url, [Refuse(429, retry_after=2)]) as (
            proxy,
            behind,
        ),
    ):
        timer = threading.Timer(0.5, setattr, (proxy, "share", 0.0))
        timer.start()
        started = time.monotonic()
        (outcome,) = run(Bulk(behind.bulk), [put(index, "a")])
        assert outcome.done
        assert proxy.struck["Refuse"] == 1
        assert time.monotonic() - started > 1.9


def test_actions_are_read_only_as_far_as_they_can_be_sent(url: str, cluster: Cluster) -> None:
    read: list[int] = []
    ahead: list[int] = []

    def actions() -> Iterator[Action[int]]:
        for n in range(400):
            read.append(n)
            yield put(index, str(n), n)

    with plain_index(cluster, {}) as index, proxied(url, [Slow(0.05)]) as (_, behind):
        for done, _ in enumerate(Bulk(behind.bulk, limits=SMALL, most_requests=2).run(actions())):
            ahead.append(len(read) - done)
        assert max(ahead) <= 20 * 4


def test_a_run_that_is_given_up_sends_nothing_more(url: str, cluster: Cluster) -> None:
    with plain_index(cluster, {}) as index, proxied(url) as (proxy, behind):
        stream = Bulk(behind.bulk, limits=SMALL).run(put(index, str(n)) for n in range(10_000))
        next(stream)
        stream.close()
        sent = proxy.requests["_bulk"]
        assert sent < 10
        time.sleep(0.2)
        assert proxy.requests["_bulk"] == sent


def test_an_error_of_the_actions_passes_through(cluster: Cluster) -> None:
    def actions() -> Iterator[Action[int]]:
        yield put(index, "a")
        raise KeyError("of the caller")

    with plain_index(cluster, {}) as index, pytest.raises(KeyError, match="of the caller"):
        run(Bulk(cluster.bulk), actions())


def test_several_requests_are_under_way_until_the_server_is_busy(
    url: str, cluster: Cluster
) -> None:
    under_way = Gauge()
    with plain_index(cluster, {}) as index, proxied(url, [Slow(0.05)]) as (proxy, behind):
        bulk = Bulk(under_way.around(behind.bulk), limits=SMALL)
        run(bulk, (put(index, str(n)) for n in range(400)))
        assert under_way.most == 4
        proxy.faults = [Refuse(429)]
        threading.Timer(1.3, setattr, (proxy, "faults", [Slow(0.05)])).start()
        run(bulk, [put(index, "a")])
        under_way.most = 0
        run(bulk, (put(index, str(n)) for n in range(60)))
        assert under_way.most == 2


class Gauge:
    """How many calls of a function are under way."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self._lock = threading.Lock()

    def around(self, send: Callable[[bytes], Answer]) -> Callable[[bytes], Answer]:
        def measured(lines: bytes) -> Answer:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return send(lines)
            finally:
                with self._lock:
                    self.now -= 1

        return measured
