"""Micro-batches of work for a model: event-driven, bounded, oldest deadline first.

Requests take a ticket, which holds their share of the queue, and put work into it. Whenever a slot
is free, the item with the oldest deadline goes, and with it the next ones of its bucket, up to an
area of padded tokens. So a lone request starts at once, and batches grow as slots get busy. Results
come back to the ticket and position that the work came from. Nothing here knows HTTP or models.

Everything but the model runs in the event loop's thread: there are no locks.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

from rerank_service.errors import DeadlinePassed, Overloaded, Stopping
from rerank_service.urgency import Entry, Taken, UrgencyQueue, Work

Payload = TypeVar("Payload")
Result = TypeVar("Result")
Run = Callable[[Hashable, list[Payload]], Sequence[Result]]

_LONGEST_RETRY = 30  # seconds
_REMEMBERED = 100_000  # tokens that the speed is known from; what came before counts half


class BatchReport(NamedTuple):
    """What a batch was, for metrics; times in seconds."""

    items: int
    area: int
    longest_wait: float
    duration: float
    failed: int


@dataclass(eq=False, slots=True)
class _Order(Generic[Payload, Result]):
    """The work that one ticket put in, and what has come back of it."""

    ticket: Ticket[Payload, Result]
    results: list[Result | Exception | None]
    """None where it is not done."""
    missing: int
    done: asyncio.Future[None]
    entries: list[Entry[Payload, _Place[Payload, Result]]] = field(default_factory=list)

    def settle(self, position: int, result: Result | Exception) -> None:
        self.results[position] = result
        self.missing -= 1
        if not self.missing and not self.done.done():
            self.done.set_result(None)


class _Place(NamedTuple, Generic[Payload, Result]):
    order: _Order[Payload, Result]
    position: int


_Batch = list[Taken[Payload, _Place[Payload, Result]]]


class Batcher(Generic[Payload, Result]):
    """A bounded queue in front of ``run``, which is called in ``pool``, in ``slots`` places.

    ``run`` gets the bucket and the payloads of one batch and gives a result for each. When it
    raises, the batch is halved until the item that is to blame stands alone, and that item's
    result is the exception.
    """

    def __init__(
        self,
        run: Run[Payload, Result],
        pool: Executor,
        *,
        slots: int,
        area: int,
        queue_tokens: int,
        report: Callable[[BatchReport], None] = lambda _: None,
    ) -> None:
        """``area``: most padded tokens of a batch of several; ``queue_tokens``: most waiting."""
        self._run = run
        self._pool = pool
        self._free = slots
        self._slots = slots
        self._area = area
        self._limit = queue_tokens
        self._report = report
        self._queue: UrgencyQueue[Payload, _Place[Payload, Result]] = UrgencyQueue()
        self._orders: set[_Order[Payload, Result]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._closed = False
        self._done_tokens = 0.0
        self._busy = 0.0

    @property
    def waiting_tokens(self) -> int:
        """Tokens reserved or waiting; those of running batches do not count."""
        return self._held

    @property
    def oldest_wait(self) -> float:
        """Seconds that the oldest waiting item has waited."""
        since = self._queue.oldest()
        return 0.0 if since is None else time.monotonic() - since

    def ticket(self, tokens: int, *, deadline: float) -> Ticket[Payload, Result]:
        """Reserve a share of the queue, by an estimate, for work due at ``deadline``.

        The deadline is on the clock of ``time.monotonic``. Raises Overloaded when there is no room,
        or when what is due before takes all the time: that work would be thrown away. Use it in a
        ``with`` block: at its end what is still waiting is withdrawn.
        """
        self._check_wait(deadline)
        ticket = Ticket(self, deadline)
        ticket.resize(tokens)
        return ticket

    def close(self) -> None:
        """Answer everything that is waiting or running with Stopping, and accept nothing more."""
        self._closed = True
        for order in self._orders:
            if not order.done.done():
                order.done.set_exception(_stopping())

    def _check_wait(self, deadline: float) -> None:
        left = max(deadline - time.monotonic(), 0)
        wait = self._seconds(self._queue.tokens_due(deadline))
        if wait > left:
            raise Overloaded(
                f"what is due before takes about {wait:.0f} s, and this request has {left:.1f} s: "
                "try again later, with a longer timeout_ms, or at another replica",
                retry_after=self._retry_after(),
            )

    def _resize(self, held: int, tokens: int) -> None:
        if self._closed:
            raise _stopping()
        if tokens > held and self._held + tokens - held > self._limit:
            raise Overloaded(
                f"the queue holds {self._held:,} of {self._limit:,} tokens, and this request needs "
                f"{tokens:,}: try again later, with fewer texts, or at another replica",
                retry_after=self._retry_after(),
            )
        self._held += tokens - held

    def _retry_after(self) -> int:
        """Until half of the queue is gone, at the speed seen so far."""
        return min(max(math.ceil(self._seconds(self._held / 2)), 1), _LONGEST_RETRY)

    def _seconds(self, tokens: float) -> float:
        """For so many tokens with all slots busy; 0 as long as nothing was done."""
        return tokens * self._busy / max(self._done_tokens, 1) / self._slots

    def _put(
        self,
        ticket: Ticket[Payload, Result],
        work: Sequence[Work[Payload]],
        results: list[Result | Exception | None],
    ) -> _Order[Payload, Result]:
        if self._closed:
            raise _stopping()
        done = asyncio.get_running_loop().create_future()
        order = _Order[Payload, Result](ticket, results, len(work), done)
        self._orders.add(order)
        now = time.monotonic()
        order.entries = [
            self._queue.put(
                item, deadline=ticket.deadline, since=now, owner=_Place(order, position)
            )
            for position, item in enumerate(work)
        ]
        self._dispatch()
        return order

    def _withdraw(self, order: _Order[Payload, Result]) -> None:
        self._orders.discard(order)
        self._queue.withdraw(order.entries)
        order.entries.clear()

    def _dispatch(self) -> None:
        while self._free and not self._closed:
            # What waits is shared among the free slots: one that idles gains nothing from a batch.
            batch = self._queue.take(min(self._area, self._held // self._free))
            if not batch:
                return
            self._free -= 1
            for item in batch:
                item.owner.order.ticket._started(item.work.tokens)
            task = asyncio.get_running_loop().create_task(self._process(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _process(self, batch: _Batch[Payload, Result]) -> None:
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        bucket, payloads = batch[0].work.bucket, [item.work.payload for item in batch]
        try:
            results = await loop.run_in_executor(self._pool, isolated, self._run, bucket, payloads)
        finally:
            self._free += 1
        for item, result in zip(batch, results, strict=True):
            item.owner.order.settle(item.owner.position, result)
        self._note(batch, results, started)
        self._dispatch()

    def _note(
        self,
        batch: _Batch[Payload, Result],
        results: Sequence[Result | Exception],
        started: float,
    ) -> None:
        duration = time.monotonic() - started
        area = max(item.work.tokens for item in batch) * len(batch)
        if self._done_tokens > _REMEMBERED:
            self._done_tokens /= 2
            self._busy /= 2
        self._done_tokens += area
        self._busy += duration
        wait = started - min(item.since for item in batch)
        failed = sum(isinstance(result, Exception) for result in results)
        self._report(BatchReport(len(batch), area, wait, duration, failed))


class Ticket(Generic[Payload, Result]):
    """One request's share of the queue."""

    def __init__(self, batcher: Batcher[Payload, Result], deadline: float) -> None:
        self.deadline = deadline
        self._batcher = batcher
        self._held = 0
        self._orders: list[_Order[Payload, Result]] = []

    def resize(self, tokens: int) -> None:
        """Hold so many tokens from now on; Overloaded when there is no room for more."""
        self._batcher._resize(self._held, tokens)
        self._held = tokens

    async def run(
        self, work: Sequence[Work[Payload]], results: list[Result | Exception | None]
    ) -> None:
        """Puts a result or an exception for each item into ``results``, in order, as they come.

        Raises DeadlinePassed and Stopping; what was done by then is there, and None for the rest.
        """
        results[:] = [None] * len(work)
        if not work:
            return
        order = self._batcher._put(self, work, results)
        self._orders.append(order)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.deadline - time.monotonic()):
                await order.done
                return
        # Not where TimeoutError is handled: that error keeps its task, and the task would keep this
        # one, and this one that, until the garbage collector runs.
        raise DeadlinePassed(
            f"{order.missing} of {len(work)} pieces of text were not encoded in time: allow more "
            "with timeout_ms, send fewer texts, or add replicas"
        )

    def _started(self, tokens: int) -> None:
        """Work that runs leaves the queue, and what was reserved for it is free."""
        freed = min(tokens, self._held)
        self._held -= freed
        self._batcher._held -= freed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for order in self._orders:
            self._batcher._withdraw(order)
        self._orders.clear()  # it and its entries point at each other: large results would wait
        self._batcher._held -= self._held
        self._held = 0


def isolated(
    run: Run[Payload, Result], bucket: Hashable, payloads: list[Payload]
) -> list[Result | Exception]:
    """``run``, halving the payloads where it raises, so that only the one to blame fails."""
    try:
        results = run(bucket, payloads)
        if len(results) != len(payloads):
            raise ValueError(f"{len(results)} results for {len(payloads)} items")
        return list(results)
    except Exception as exc:  # whatever a model raises must not reach the other requests
        if len(payloads) == 1:
            return [exc]
    middle = len(payloads) // 2
    return [
        *isolated(run, bucket, payloads[:middle]),
        *isolated(run, bucket, payloads[middle:]),
    ]


def _stopping() -> Stopping:
    return Stopping("the service is shutting down: send the request again", retry_after=1)
