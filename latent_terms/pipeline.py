"""Running windows through a model in batches, several at a time, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from latent_terms.windows import Batch, Frame, Window, batches, chunks

Result = TypeVar("Result")
Jobs = list[tuple[Batch, Future[list[Result]]]]


def run_windows(
    windows: Iterable[Window],
    frame: Frame,
    run: Callable[[Batch], list[Result]],
    pool: ThreadPoolExecutor | None,
) -> Iterator[tuple[Window, Result | None]]:
    """Each window in order with its result, None for a window without tokens.

    ``run`` gives a result for each window of a batch. Two chunks of windows are in flight, so
    that the pool has work while results are read. Without a pool the caller's thread does it all.
    """
    flying: deque[tuple[list[Window], Jobs[Result]]] = deque()
    try:
        for chunk in chunks(windows):
            flying.append((chunk, [(b, _start(b, run, pool)) for b in batches(chunk, frame)]))
            if len(flying) == 2:
                yield from _finish(*flying[0])
                flying.popleft()
        while flying:
            yield from _finish(*flying[0])
            flying.popleft()
    finally:
        for _, jobs in flying:  # the reader stopped early, or a batch failed
            for _, future in jobs:
                future.cancel()


def _start(
    batch: Batch, run: Callable[[Batch], list[Result]], pool: ThreadPoolExecutor | None
) -> Future[list[Result]]:
    if pool is not None:
        return pool.submit(run, batch)
    done: Future[list[Result]] = Future()
    done.set_result(run(batch))
    return done


def _finish(chunk: list[Window], jobs: Jobs[Result]) -> Iterator[tuple[Window, Result | None]]:
    results: list[Result | None] = [None] * len(chunk)
    for batch, future in jobs:
        for position, result in zip(batch.positions, future.result(), strict=True):
            results[position] = result
    yield from zip(chunk, results, strict=True)
