from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from latent_terms.pipeline import run_windows
from latent_terms.windows import Batch, Frame, Window, chunks

FRAME = Frame((), ())


def windows(count: int) -> Iterator[Window]:
    return (Window(np.full(200, n), ends_text=True) for n in range(count))


def first_tokens(batch: Batch) -> list[int]:
    return batch.input_ids[:, 0].tolist()


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_every_window_comes_back_in_order_with_its_result(threads: int | None) -> None:
    pool = ThreadPoolExecutor(threads) if threads else None
    found = list(run_windows(windows(700), FRAME, first_tokens, pool))
    assert [result for _, result in found] == list(range(700))


def test_without_a_pool_the_callers_thread_does_the_work() -> None:
    workers = set()

    def run(batch: Batch) -> list[int]:
        workers.add(threading.current_thread())
        return first_tokens(batch)

    list(run_windows(windows(20), FRAME, run, None))
    assert workers == {threading.current_thread()}


def test_batches_run_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)

    def run(batch: Batch) -> list[int]:
        both.wait()  # passes only when two batches are under way
        return first_tokens(batch)

    with ThreadPoolExecutor(2) as pool:
        assert len(list(run_windows(windows(20), FRAME, run, pool))) == 20


def test_a_reader_that_stops_early_stops_the_work() -> None:
    in_first_chunk = len(next(chunks(windows(300))))
    waiting = 0
    go = threading.Event()

    def run(batch: Batch) -> list[int]:
        nonlocal waiting
        if batch.input_ids[0, 0] >= in_first_chunk:
            waiting += 1
            go.wait(30)
        return first_tokens(batch)

    with ThreadPoolExecutor(1) as pool:
        reader = run_windows(windows(300), FRAME, run, pool)
        next(reader)
        reader.close()
        go.set()
    assert in_first_chunk < 300
    assert waiting <= 1


def test_a_failing_batch_raises_and_the_rest_is_not_run() -> None:
    started = 0

    def run(batch: Batch) -> list[int]:
        nonlocal started
        started += 1
        raise RuntimeError("no such model")

    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="no such model"):
        list(run_windows(windows(500), FRAME, run, pool))
    assert started < 100
