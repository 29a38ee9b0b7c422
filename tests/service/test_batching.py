"""The micro-batcher, with a model that doubles numbers and notes what it was given."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rerank_service.batching import Batcher, BatchReport, Ticket
from rerank_service.errors import DeadlinePassed, Overloaded, Stopping
from rerank_service.urgency import Work

SOON, LATER = 30.0, 60.0


class Doubler:
    """Doubles; a payload of 13 is poison; `hold()` keeps every batch waiting in its thread."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = threading.Event()
        self.open.set()

    def run(self, bucket: Hashable, payloads: list[int]) -> list[int]:
        self.open.wait(30)
        self.batches.append(payloads)
        if 13 in payloads:
            raise ValueError(f"13 among {payloads}")
        return [2 * number for number in payloads]


class StuckAfterTwo(Doubler):
    """Runs two batches and keeps the next one waiting."""

    def run(self, bucket: Hashable, payloads: list[int]) -> list[int]:
        if len(self.batches) == 2:
            self.open.clear()
        return super().run(bucket, payloads)


class Bench:
    """A batcher over a doubler, and shorthand to put numbers into it."""

    def __init__(
        self,
        *,
        slots: int = 1,
        area: int = 64,
        queue_tokens: int = 1000,
        model: Doubler | None = None,
    ) -> None:
        self.model = model or Doubler()
        self.pool = ThreadPoolExecutor(slots)
        self.reports: list[BatchReport] = []
        self.batcher: Batcher[int, int] = Batcher(
            self.model.run,
            self.pool,
            slots=slots,
            area=area,
            queue_tokens=queue_tokens,
            report=self.reports.append,
        )

    async def double(
        self, *numbers: int, tokens: int = 8, bucket: Hashable = 8, wait: float = SOON
    ) -> list[int | Exception | None]:
        work = [Work(bucket, tokens, number) for number in numbers]
        results: list[int | Exception | None] = []
        deadline = time.monotonic() + wait
        with self.batcher.ticket(tokens * len(numbers), deadline=deadline) as ticket:
            await ticket.run(work, results)
        return results

    def ticket(self, tokens: int, *, wait: float = SOON) -> Ticket[int, int]:
        return self.batcher.ticket(tokens, deadline=time.monotonic() + wait)

    async def busy(self) -> asyncio.Task[list[int | Exception | None]]:
        """Occupy the only slot until the model is opened."""
        self.model.open.clear()
        task = asyncio.create_task(self.double(0))
        await until(lambda: self.batcher._free == 0)
        return task


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.model.open.set()
    bench.pool.shutdown()


def run(steps: Awaitable[object]) -> None:
    async def main() -> None:
        await steps

    asyncio.run(main())


def test_a_lone_request_starts_at_once_in_one_batch(bench: Bench) -> None:
    async def steps() -> None:
        assert await bench.double(1, 2, 3) == [2, 4, 6]

    run(steps())
    assert bench.model.batches == [[1, 2, 3]]
    assert bench.reports[0].items == 3 and bench.reports[0].area == 24
    assert bench.reports[0].longest_wait < 5


def test_requests_that_wait_share_batches_and_get_their_own_results(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        others = [asyncio.create_task(bench.double(10 * n, 10 * n + 1)) for n in range(1, 5)]
        await asyncio.sleep(0)
        bench.model.open.set()
        assert await first == [0]
        assert [await other for other in others] == [[20 * n, 20 * n + 2] for n in range(1, 5)]

    run(steps())
    assert bench.model.batches == [[0], [10, 11, 20, 21, 30, 31, 40, 41]]


def test_a_batch_is_as_wide_as_its_widest_item_and_fits_the_area(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        narrow = asyncio.create_task(bench.double(1, 2, 3, tokens=10, bucket="mixed"))
        wide = asyncio.create_task(bench.double(4, 5, tokens=30, bucket="mixed"))
        await asyncio.sleep(0)
        bench.model.open.set()
        await asyncio.gather(first, narrow, wide)

    run(steps())
    assert bench.model.batches == [[0], [1, 2, 3], [4, 5]]  # 4 of 30 tokens would be 120 > 64
    assert all(report.area <= 64 for report in bench.reports)


def test_an_item_wider_than_the_area_goes_alone(bench: Bench) -> None:
    async def steps() -> None:
        assert await bench.double(1, 2, tokens=100) == [2, 4]

    run(steps())
    assert bench.model.batches == [[1], [2]]


def test_buckets_do_not_mix(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        others = [
            asyncio.create_task(bench.double(n, n + 1, bucket=n % 2, tokens=8)) for n in (1, 4, 7)
        ]
        await asyncio.sleep(0)
        bench.model.open.set()
        await asyncio.gather(first, *others)

    run(steps())
    assert bench.model.batches == [[0], [1, 2, 7, 8], [4, 5]]


def test_the_oldest_deadline_goes_first_whatever_came_first(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        later = asyncio.create_task(bench.double(1, bucket="a", wait=LATER))
        soon = asyncio.create_task(bench.double(2, bucket="b", wait=SOON))
        await asyncio.sleep(0)
        bench.model.open.set()
        await asyncio.gather(first, later, soon)

    run(steps())
    assert bench.model.batches == [[0], [2], [1]]


def test_a_bad_item_fails_alone_and_its_neighbours_do_not(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        good = asyncio.create_task(bench.double(1, 2, 3))
        mixed = asyncio.create_task(bench.double(4, 13, 5))
        await asyncio.sleep(0)
        bench.model.open.set()
        await first
        assert await good == [2, 4, 6]
        four, bad, five = await mixed
        assert (four, five) == (8, 10)
        assert isinstance(bad, ValueError) and "13 among [13]" in str(bad)

    run(steps())
    assert bench.reports[1].failed == 1 and bench.reports[1].items == 6


def test_a_model_that_returns_too_few_results_fails_its_items(bench: Bench) -> None:
    async def steps() -> None:
        bench.batcher._run = lambda bucket, payloads: []
        results = await bench.double(1, 2)
        assert [type(result) for result in results] == [ValueError, ValueError]

    run(steps())


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        waiting = asyncio.create_task(bench.double(*range(1, 125)))  # 992 of 1,000 tokens
        await asyncio.sleep(0)
        assert bench.batcher.waiting_tokens == 992
        started = time.monotonic()
        with pytest.raises(Overloaded, match="992 of 1,000 tokens") as refused:
            bench.ticket(9)
        assert time.monotonic() - started < 1
        assert refused.value.retry_after is not None and 1 <= refused.value.retry_after <= 30
        bench.ticket(8).__exit__(None, None, None)
        bench.model.open.set()
        await asyncio.gather(first, waiting)
        assert bench.batcher.waiting_tokens == 0

    run(steps())


def test_a_ticket_can_be_resized_while_there_is_room(bench: Bench) -> None:
    with bench.ticket(10) as ticket:
        ticket.resize(1000)
        assert bench.batcher.waiting_tokens == 1000
        with pytest.raises(Overloaded):
            ticket.resize(1001)
        assert bench.batcher.waiting_tokens == 1000
        ticket.resize(1)
        assert bench.batcher.waiting_tokens == 1
    assert bench.batcher.waiting_tokens == 0


def test_work_that_has_started_leaves_the_queue(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        assert bench.batcher.waiting_tokens == 0
        bench.model.open.set()
        await first

    run(steps())


def test_what_was_done_before_the_deadline_is_there() -> None:
    slow = Bench(area=8, model=StuckAfterTwo())
    results: list[int | Exception | None] = []

    async def steps() -> None:
        work = [Work("b", 8, number) for number in (1, 13, 3, 4)]
        with pytest.raises(DeadlinePassed, match="2 of 4 pieces"), slow.ticket(32, wait=0.5) as own:
            await own.run(work, results)
        slow.model.open.set()

    run(steps())
    slow.pool.shutdown()
    assert results[0] == 2 and isinstance(results[1], ValueError) and results[2:] == [None, None]


def test_what_cannot_be_done_in_time_is_refused_at_once(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        await asyncio.sleep(0.2)  # for 8 tokens: that is how fast this model is
        bench.model.open.set()
        await first
        second = await bench.busy()
        waiting = asyncio.create_task(bench.double(*range(1, 11), wait=1))  # takes 2 s or more
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="due before takes about .* s, and this request has"):
            await bench.double(11, wait=1.5)
        bench.ticket(8, wait=LATER)
        bench.ticket(8, wait=0.5)  # due before the others: it does not wait for them
        bench.model.open.set()
        await asyncio.gather(second, waiting, return_exceptions=True)

    run(steps())


def test_a_deadline_that_is_over_is_not_called_overload(bench: Bench) -> None:
    async def steps() -> None:
        with pytest.raises(DeadlinePassed):
            await bench.double(1, wait=-1)

    run(steps())


def test_a_deadline_ends_the_wait_and_withdraws_the_work(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        with pytest.raises(DeadlinePassed, match="2 of 2 pieces"):
            await bench.double(1, 2, wait=0.05)
        assert bench.batcher.waiting_tokens == 0
        bench.model.open.set()
        assert await first == [0]
        assert await bench.double(3) == [6]

    run(steps())
    assert bench.model.batches == [[0], [3]]


def test_a_cancelled_request_is_not_computed(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        gone = asyncio.create_task(bench.double(1, 2))
        stays = asyncio.create_task(bench.double(3))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert bench.batcher.waiting_tokens == 8
        bench.model.open.set()
        await asyncio.gather(first, stays)

    run(steps())
    assert bench.model.batches == [[0], [3]]


def test_thousands_of_cancelled_requests_leave_nothing_behind(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        for bucket in range(5000):
            gone = asyncio.create_task(bench.double(1, 2, bucket=bucket % 50))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        held = sum(map(len, bench.batcher._queue._buckets.values()))
        assert held <= 512
        assert len(bench.batcher._orders) == 1
        bench.model.open.set()
        await first

    run(steps())


def test_closing_answers_what_waits_and_what_runs(bench: Bench) -> None:
    async def steps() -> None:
        first = await bench.busy()
        waiting = asyncio.create_task(bench.double(1))
        await asyncio.sleep(0)
        bench.batcher.close()
        for task in (first, waiting):
            with pytest.raises(Stopping):
                await task
        with pytest.raises(Stopping):
            bench.ticket(1)
        bench.model.open.set()

    run(steps())
    assert bench.model.batches in ([], [[0]])


def test_no_work_is_done_at_once(bench: Bench) -> None:
    async def steps() -> None:
        assert await bench.double() == []

    run(steps())


def test_every_slot_is_used(bench: Bench) -> None:
    both = Bench(slots=2, area=8)

    async def steps() -> None:
        both.model.open.clear()
        task = asyncio.create_task(both.double(1, 2, 3))
        await until(lambda: both.batcher._free == 0)
        assert both.batcher.waiting_tokens == 8 and both.batcher.oldest_wait > 0
        both.model.open.set()
        assert await task == [2, 4, 6]

    run(steps())
    both.pool.shutdown()


def test_free_slots_share_what_waits_before_batches_grow() -> None:
    both = Bench(slots=2, area=64)

    async def steps() -> None:
        await both.double(1, 2, 3, 4)
        assert sorted(map(len, both.model.batches)) == [2, 2]
        await both.double(*range(100))  # 800 tokens
        assert sum(len(batch) == 8 for batch in both.model.batches) >= 10

    run(steps())
    both.pool.shutdown()


def test_results_are_free_once_the_request_is_done(bench: Bench) -> None:
    """Without waiting for the garbage collector, which does not know how large they are."""

    class Result:
        pass

    batcher: Batcher[int, Result] = Batcher(
        lambda _, payloads: [Result() for _ in payloads],
        bench.pool,
        slots=1,
        area=8,
        queue_tokens=99,
    )
    alive: list[weakref.ref[object]] = []

    async def steps() -> None:
        results: list[Result | Exception | None] = []
        with batcher.ticket(24, deadline=time.monotonic() + SOON) as ticket:
            await ticket.run([Work("b", 8, number) for number in range(3)], results)
        alive.extend(weakref.ref(result) for result in results if isinstance(result, Result))

    gc.disable()
    try:
        run(steps())
        assert [ref() for ref in alive] == [None] * 3
    finally:
        gc.enable()


def test_a_crowd_of_requests_all_get_what_is_theirs() -> None:
    crowd = Bench(slots=2, area=40, queue_tokens=100_000)

    async def ask(n: int) -> None:
        numbers = [n * 100 + i for i in range(n % 7)]
        bucket = n % 5
        expected = [2 * number for number in numbers]
        assert await crowd.double(*numbers, bucket=bucket, tokens=bucket + 1) == expected

    async def steps() -> None:
        await asyncio.gather(*(ask(n) for n in range(1, 400)))

    run(steps())
    crowd.pool.shutdown()
    assert crowd.batcher.waiting_tokens == 0
    assert len(crowd.model.batches) < 400


def test_a_ticket_belongs_to_one_batcher_and_may_run_twice(bench: Bench) -> None:
    async def steps() -> None:
        with bench.ticket(16) as ticket:
            assert isinstance(ticket, Ticket)
            for number in (1, 2):
                results: list[int | Exception | None] = []
                await ticket.run([Work("b", 8, number)], results)
                assert results == [2 * number]

    run(steps())
