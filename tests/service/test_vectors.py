"""The store of token vectors: bounded, shared by processes, and none the worse for kill -9."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rerank_service.errors import SettingsRejected
from rerank_service.records import TokenVectors, from_bytes, key_of, to_bytes
from rerank_service.vectors import VectorStore

from .stores import DIMENSIONS, SIZE, key, vectors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    store = VectorStore(tmp_path / "store", max_bytes=SIZE, dimensions=DIMENSIONS)
    yield store
    store.close()


def test_what_is_put_is_found_again_in_half_precision(store: VectorStore) -> None:
    kept = vectors(1)
    assert store.put({key(1): to_bytes(kept)}) == 0
    found, missing = store.get([key(1), key(2)])
    assert missing is None
    assert found is not None and found.whole and found.vectors.dtype == np.float16
    assert np.array_equal(found.vectors, kept.vectors)


def test_it_survives_being_closed(tmp_path: Path) -> None:
    for n in range(3):
        store = VectorStore(tmp_path, max_bytes=SIZE, dimensions=DIMENSIONS)
        assert [found is not None for found in store.get([key(i) for i in range(3)])] == [
            i < n for i in range(3)
        ]
        store.put({key(n): to_bytes(vectors(n))})
        store.close()


def test_keys_tell_models_and_texts_apart() -> None:
    assert len({key_of("a", "0" * 12), key_of("a", "1" * 12), key_of("b", "0" * 12)}) == 3
    assert key_of("a\ud800", "0" * 12) == key_of("a?", "0" * 12)


def test_an_empty_document_and_the_beginning_of_one_are_kept_as_such(store: VectorStore) -> None:
    empty = TokenVectors(np.zeros((0, DIMENSIONS), np.float16), whole=True)
    store.put({key(1): to_bytes(empty), key(2): to_bytes(vectors(2)._replace(whole=False))})
    one, two = store.get([key(1), key(2)])
    assert one is not None and one.vectors.shape == (0, DIMENSIONS) and one.serves(100)
    assert two is not None and two.serves(5) and not two.serves(6)
    assert one.first(3) is one
    assert two.first(3).vectors.shape == (3, DIMENSIONS) and not two.first(3).whole


@pytest.mark.parametrize(
    "record",
    [b"", b"LTV1", to_bytes(vectors(1))[:-1], to_bytes(vectors(1)) + b"x", b"x" * 92],
)
def test_bytes_that_are_no_record_are_not_found(record: bytes) -> None:
    assert from_bytes(record, dimensions=DIMENSIONS) is None
    assert from_bytes(to_bytes(vectors(1)), dimensions=DIMENSIONS + 1) is None


def test_a_full_store_forgets_what_was_used_longest_ago(store: VectorStore) -> None:
    for n in range(300):
        assert store.put({key(n): to_bytes(vectors(n, tokens=2000))}) == 0
        store.get([key(0)])  # in use all the time
    kept = [n for n, found in enumerate(store.get([key(n) for n in range(300)])) if found]
    used = store.statistics()
    assert used.records == len(kept) > 50
    assert used.bytes_used <= used.bytes_limit < SIZE
    assert kept == [0, *range(300 - len(kept) + 1, 300)]
    assert store.evicted == 300 - len(kept)
    assert (store.path / "data.mdb").stat().st_size <= SIZE


def test_records_of_changing_sizes_stay_within_the_file(store: VectorStore) -> None:
    rng = np.random.default_rng(0)
    for n in range(400):
        tokens = int(rng.integers(0, 16_000))
        assert store.put({key(n): to_bytes(vectors(n, tokens=tokens))}) == 0
        assert store.get([key(n)])[0] is not None
    assert store.statistics().bytes_used > store.statistics().bytes_limit // 2
    assert (store.path / "data.mdb").stat().st_size <= SIZE


def test_what_is_too_large_is_left_out_and_counted(store: VectorStore) -> None:
    large = to_bytes(vectors(1, tokens=SIZE // 32))
    assert store.put({key(1): large, key(2): to_bytes(vectors(2))}) == 1
    assert [found is not None for found in store.get([key(1), key(2)])] == [False, True]


def test_putting_again_replaces(store: VectorStore) -> None:
    for seed in range(50):
        store.put({key(1): to_bytes(vectors(seed, tokens=seed))})
    found = store.get([key(1)])[0]
    assert found is not None and len(found.vectors) == 49
    assert store.statistics().records == 1
    assert store.statistics().bytes_used == 4096


def test_a_folder_that_cannot_be_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsRejected, match="--store none"):
        VectorStore(tmp_path / "file", max_bytes=SIZE, dimensions=DIMENSIONS)
    (tmp_path / "data.mdb").write_bytes(b"no database" * 1000)
    with pytest.raises(SettingsRejected, match="cannot be opened"):
        VectorStore(tmp_path, max_bytes=SIZE, dimensions=DIMENSIONS)


WORKER = textwrap.dedent(
    """
    import sys
    sys.path.insert(0, {root!r})
    from tests.service.stores import DIMENSIONS, SIZE, key, vectors
    from rerank_service.records import to_bytes
    from rerank_service.vectors import VectorStore

    store = VectorStore({path!r}, max_bytes=SIZE, dimensions=DIMENSIONS)
    first, count = int(sys.argv[1]), int(sys.argv[2])
    print("ready", flush=True)
    for n in range(first, first + count):
        store.put({{key(n): to_bytes(vectors(n, tokens=100))}})
        if store.get([key(n)])[0] is None:
            sys.exit(f"{{n}} is gone")
    """
)


def worker(path: Path, first: int, count: int) -> subprocess.Popen[str]:
    code = WORKER.format(root=str(ROOT), path=str(path))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(first), str(count)], stdout=subprocess.PIPE, text=True
    )


def test_several_processes_share_a_store(tmp_path: Path) -> None:
    workers = [worker(tmp_path, 1000 * n, 60) for n in range(3)]
    assert [process.communicate(timeout=60)[0] for process in workers] == ["ready\n"] * 3
    assert [process.returncode for process in workers] == [0, 0, 0]
    store = VectorStore(tmp_path, max_bytes=SIZE, dimensions=DIMENSIONS)
    keys = [key(1000 * n + i) for n in range(3) for i in range(60)]
    assert all(store.get(keys))
    assert store.statistics().records == 180
    assert store.statistics().bytes_used == 180 * 4096
    store.close()


def test_a_store_outlives_kill_9_of_its_writer(tmp_path: Path) -> None:
    for round in range(3):
        process = worker(tmp_path, 10_000 * round, 10_000)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        assert process.returncode == -signal.SIGKILL
    store = VectorStore(tmp_path, max_bytes=SIZE, dimensions=DIMENSIONS)
    statistics = store.statistics()
    keys = [key(10_000 * round + i) for round in range(3) for i in range(10_000)]
    found = [vectors for vectors in store.get(keys) if vectors is not None]
    assert len(found) == statistics.records > 0
    assert {vectors.vectors.shape for vectors in found} == {(100, DIMENSIONS)}
    assert statistics.bytes_used == 4096 * statistics.records
    assert store.put({key(-1): to_bytes(vectors(1))}) == 0
    store.close()
