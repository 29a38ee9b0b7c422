"""What waits for the model: heaps of work by bucket, the oldest deadline first."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

Payload = TypeVar("Payload")
Owner = TypeVar("Owner")

_DEAD_KEPT = 256  # withdrawn entries that may lie in the heaps before they are swept


class Work(NamedTuple, Generic[Payload]):
    """One item; only items of one bucket share a batch."""

    bucket: Hashable
    tokens: int
    """Padded, 1 or more."""
    payload: Payload


@dataclass(order=True, slots=True)
class Entry(Generic[Payload, Owner]):
    """A place in the queue; its work is None once it was taken or withdrawn."""

    deadline: float
    number: int
    work: Work[Payload] | None = field(compare=False)
    since: float = field(compare=False)
    owner: Owner = field(compare=False)


class Taken(NamedTuple, Generic[Payload, Owner]):
    work: Work[Payload]
    since: float
    owner: Owner


class UrgencyQueue(Generic[Payload, Owner]):
    """Among equal deadlines, who came first goes first."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, list[Entry[Payload, Owner]]] = {}
        self._number = 0
        self._dead = 0

    def put(
        self, work: Work[Payload], *, deadline: float, since: float, owner: Owner
    ) -> Entry[Payload, Owner]:
        self._number += 1
        entry = Entry(deadline, self._number, work, since, owner)
        heapq.heappush(self._buckets.setdefault(work.bucket, []), entry)
        return entry

    def withdraw(self, entries: Iterable[Entry[Payload, Owner]]) -> None:
        """Forget them, and what they hold; entries that were taken do not mind."""
        for entry in entries:
            if entry.work is not None:
                entry.work = None
                self._dead += 1
        if self._dead > _DEAD_KEPT:
            self._sweep()

    def take(self, area: int) -> list[Taken[Payload, Owner]]:
        """The most urgent entry, and more of its bucket while the batch fits ``area`` tokens."""
        bucket = self._most_urgent()
        return [] if bucket is None else self._fill(self._buckets[bucket], area)

    def tokens_due(self, deadline: float) -> int:
        """Of the work that goes first where more of this deadline comes."""
        heaps = self._buckets.values()
        waiting = (entry for heap in heaps for entry in heap if entry.deadline <= deadline)
        return sum(entry.work.tokens for entry in waiting if entry.work is not None)

    def oldest(self) -> float | None:
        """Since when the entry has waited that has waited longest."""
        waiting = (e.since for heap in self._buckets.values() for e in heap if e.work is not None)
        return min(waiting, default=None)

    def _most_urgent(self) -> Hashable | None:
        for bucket, heap in list(self._buckets.items()):
            self._bury(heap)
            if not heap:
                del self._buckets[bucket]
        return min(self._buckets, key=lambda bucket: self._buckets[bucket][0], default=None)

    def _fill(self, heap: list[Entry[Payload, Owner]], area: int) -> list[Taken[Payload, Owner]]:
        batch: list[Taken[Payload, Owner]] = []
        widest = 0
        while heap and (work := heap[0].work) is not None:
            widest = max(widest, work.tokens)
            if batch and widest * (len(batch) + 1) > area:
                break
            entry = heapq.heappop(heap)
            entry.work = None
            batch.append(Taken(work, entry.since, entry.owner))
            self._bury(heap)
        return batch

    def _bury(self, heap: list[Entry[Payload, Owner]]) -> None:
        """Remove what was withdrawn from the top."""
        while heap and heap[0].work is None:
            heapq.heappop(heap)
            self._dead -= 1

    def _sweep(self) -> None:
        alive = {
            bucket: [entry for entry in heap if entry.work is not None]
            for bucket, heap in self._buckets.items()
        }
        self._buckets = {bucket: heap for bucket, heap in alive.items() if heap}
        for heap in self._buckets.values():
            heapq.heapify(heap)
        self._dead = 0
