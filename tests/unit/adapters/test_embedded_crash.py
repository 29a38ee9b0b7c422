"""The embedded index through kill -9, a full disk and a second process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import pytest

from adapters import Document, Engine, Schema, Search, SearchRequest, connect
from adapters.errors import EngineUnavailable, IndexLocked

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = Schema(text=("text",), keyword=("tag",), fingerprint="3f9a1c0b77de")

CHILD = """
import sys
from adapters import Document, connect
from adapters.errors import EngineUnavailable

def documents(n):
    for i in range(n):
        print(i, flush=True)
        yield Document(str(i), {"text": "common " * (i % 50 + 1), "tag": "t"}, {"t1": 1, "t2": 2})

engine = connect(sys.argv[1])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with connect(tmp_path / "index") as engine:
        engine.create(SCHEMA)
    return tmp_path / "index"


@contextmanager
def child(folder: Path, code: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD + code, str(folder)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for said in process.stdout:
        if said.strip() == line:
            return
    raise AssertionError(f"the child ended without saying {line!r}")


def check_whole(engine: Engine) -> int:
    """Every document is there with all its parts; returns how many."""
    n = engine.count()
    sources = engine.get(str(i) for i in range(n))
    assert len(sources) == n
    assert all(
        source["text"].split() == ["common"] * (int(i) % 50 + 1) for i, source in sources.items()
    )
    assert engine.search(SearchRequest(text="common")).total == n
    latent = SearchRequest(terms={"t2": 1}, fingerprint=SCHEMA.fingerprint)
    assert engine.search(latent).total == n
    assert engine.statistics().documents_with_terms == n
    return n


@pytest.mark.parametrize(
    ("last_read", "delay"),
    # in the middle of a batch, and at several moments of writing and committing one
    [(2_500, 0.0), *((2_999, delay) for delay in (0.0, 0.01, 0.02, 0.04, 0.08))],
)
def test_kill_9_while_adding_leaves_whole_batches(
    folder: Path, last_read: int, delay: float
) -> None:
    with child(folder, "engine.add(documents(10**9))") as process:
        wait_for(process, str(last_read))
        sleep(delay)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with connect(folder) as engine:
        n = check_whole(engine)
        assert n >= 2_000 and n % 1_000 == 0
        engine.add([Document("after", {"text": "after"}, {"t1": 1})])
        engine.refresh()
        assert engine.search(SearchRequest(text="after")).total == 1
        assert engine.count() == n + 1


def test_kill_9_while_replacing_keeps_every_document(folder: Path) -> None:
    with child(folder, "engine.add(documents(2_000)); engine.add(documents(2_000))") as process:
        wait_for(process, "1999")
        wait_for(process, "1999")
        sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with connect(folder) as engine:
        assert check_whole(engine) == 2_000


def test_kill_9_while_creating_leaves_a_folder_that_can_be_used(tmp_path: Path) -> None:
    code = "from adapters import Schema; engine.create(Schema(text=('text',)))"
    for delay in (0.0, 0.001, 0.003):
        folder = tmp_path / str(delay)
        with child(folder, f"print('now', flush=True); {code}") as process:
            wait_for(process, "now")
            sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.wait()
        with connect(folder) as engine:
            engine.ensure(Schema(text=("text",)))
            assert engine.add([Document("a", {"text": "x"})]) == 1


def test_a_second_process_may_read_but_not_write(folder: Path) -> None:
    code = """
engine.add(documents(10))
print("added", flush=True)
input()
engine.close()
print("closed", flush=True)
"""
    with child(folder, code) as process, connect(folder) as engine:
        assert process.stdin is not None
        wait_for(process, "added")
        read: list[int] = []
        ids = (read.append(i) or str(i) for i in range(3))  # type: ignore[func-returns-value]
        for write in (
            lambda: engine.add(Document(id, {}) for id in ids),
            lambda: engine.delete(ids),
            engine.drop,
        ):
            with pytest.raises(IndexLocked, match="is being written by another process"):
                write()
        assert read == []
        assert check_whole(engine) == 10
        process.stdin.write("\n")
        process.stdin.flush()
        wait_for(process, "closed")
        assert engine.add([Document("a", {"text": "x"})]) == 1


def test_a_second_engine_of_the_same_process_may_not_write(folder: Path) -> None:
    with connect(folder) as first, connect(folder) as second:
        assert second.count() == 0
        first.add([Document("a", {"text": "x"})])
        with pytest.raises(IndexLocked):
            second.add([Document("b", {"text": "x"})])
        first.close()
        assert second.delete(["a"]) == 1
        assert second.add([Document("b", {"text": "x"})]) == 1
        assert second.count() == 1


def test_indexing_into_a_locked_index_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    def documents() -> Iterator[Document]:
        raise AssertionError("read")
        yield

    with connect(tmp_path) as first, connect(tmp_path) as second:
        first.create(Schema(text=("text",)))
        first.add([])
        with pytest.raises(IndexLocked):
            Search(second).index(documents())


def test_a_write_that_fails_is_an_error_and_leaves_whole_batches(folder: Path) -> None:
    """A limit on file sizes stands in for a full disk."""
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
engine.add(documents(1_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
try:
    engine.add(documents(10**9))
except EngineUnavailable as error:
    assert "free space" in str(error), error
    print("refused", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert engine.count() == 1_000
assert engine.add([Document("after", {"text": "after"})]) == 1
print("recovered", flush=True)
"""
    with child(folder, code) as process:
        wait_for(process, "refused")
        wait_for(process, "recovered")
    with connect(folder) as engine:
        assert engine.delete(["after"]) == 1
        assert check_whole(engine) == 1_000


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with connect(tmp_path / "file" / "index") as engine:
        with pytest.raises(EngineUnavailable, match="file/index"):
            engine.create(SCHEMA)
        with pytest.raises(EngineUnavailable, match="file/index"):
            engine.count()
