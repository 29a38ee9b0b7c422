"""Cutting a stream of actions into the requests of a bulk load."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject")


@dataclass(frozen=True)
class Action(Generic[Subject]):
    """What one bulk request says about one document."""

    id: str
    lines: bytes
    """The action and, but for a deletion, the document: each ends with a newline."""
    subject: Subject
    """The caller's own; comes back with the outcome."""


Chunk = list[Action[Subject]]


@dataclass(frozen=True)
class ChunkLimits:
    actions: int = 500
    bytes: int = 5_000_000
    seconds: float = 2.0
    """A chunk that is older when an action arrives is sent as it is."""


def chunks(
    actions: Iterable[Action[Subject]],
    limits: Callable[[], ChunkLimits],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Chunk[Subject]]:
    """Consecutive actions, never two on one document, because a server that takes some actions
    and refuses others could apply the later one first. One that is over the limit goes alone.

    `limits` is asked for each action: they may shrink on the way.
    """
    chunk: Chunk[Subject] = []
    ids: set[str] = set()
    size, started = 0, 0.0
    for action in actions:
        now = limits()
        if chunk and (
            len(chunk) >= now.actions
            or size + len(action.lines) > now.bytes
            or clock() - started >= now.seconds
            or action.id in ids
        ):
            yield chunk
            chunk, ids, size = [], set(), 0
        if not chunk:
            started = clock()
        chunk.append(action)
        ids.add(action.id)
        size += len(action.lines)
    if chunk:
        yield chunk
