"""The folder of an embedded index: what is in it, and folders that are not indexes."""

from __future__ import annotations

import json
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from adapters import Document, Schema, SearchRequest, connect
from adapters.errors import (
    EngineError,
    EngineUnavailable,
    IndexExists,
    IndexMissing,
    IndexUnreadable,
)

SCHEMA = Schema(("title", "text"), ("tag",), ("n",), ("day",), "3f9a1c0b77de", "tiny", "english")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "index"
    with connect(folder) as engine:
        engine.create(SCHEMA)
        engine.add([Document("a", {"title": "x"})])
    return folder


def change_metadata(folder: Path, **changes: Any) -> None:
    path = folder / "index.json"
    content = json.loads(path.read_text())
    content["schema"].update(changes.pop("schema", {}))
    path.write_text(json.dumps(content | changes))


def error_of_opening(folder: Path) -> EngineError:
    with connect(folder) as engine, pytest.raises(EngineError) as caught:
        engine.describe()
    return caught.value


def test_the_metadata_is_readable_json_with_a_format_version(folder: Path) -> None:
    content = json.loads((folder / "index.json").read_text())
    assert content["format_version"] == 1
    assert content["schema"] == {
        "text": ["title", "text"],
        "keyword": ["tag"],
        "number": ["n"],
        "date": ["day"],
        "fingerprint": "3f9a1c0b77de",
        "model": "tiny",
        "analyzer": "english",
    }
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "segments"]


def test_connecting_touches_nothing(tmp_path: Path) -> None:
    with connect(tmp_path / "index") as engine, pytest.raises(IndexMissing, match="create one"):
        engine.describe()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "remedy"), [(2, "upgrade latent-terms"), (0, "index again")])
def test_another_format_version_is_refused(folder: Path, version: int, remedy: str) -> None:
    change_metadata(folder, format_version=version)
    error = error_of_opening(folder)
    assert isinstance(error, IndexUnreadable)
    assert f"format {version}" in str(error) and remedy in str(error)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format_version": "1"}', '{"format_version": 1}', "\xff\xfe"],
)
def test_damaged_metadata_is_refused(folder: Path, text: str) -> None:
    (folder / "index.json").write_bytes(text.encode("latin-1"))
    error = error_of_opening(folder)
    assert isinstance(error, IndexUnreadable)
    assert str(folder) in str(error) and "index again" in str(error)


@pytest.mark.parametrize(
    "changes",
    [{"text": []}, {"text": "title"}, {"analyzer": "klingon"}, {"fingerprint": 7}, {"new": 1}],
)
def test_a_schema_that_is_not_valid_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    change_metadata(folder, schema=changes)
    error = error_of_opening(folder)
    assert isinstance(error, IndexUnreadable) and "schema" in str(error)


def test_a_schema_that_is_not_the_one_of_the_files_is_refused(folder: Path) -> None:
    change_metadata(folder, schema={"text": ["title", "other"]})
    error = error_of_opening(folder)
    assert isinstance(error, IndexUnreadable) and "schema" in str(error)


def test_missing_files_are_noticed(folder: Path) -> None:
    shutil.rmtree(folder / "segments")
    assert isinstance(error_of_opening(folder), IndexUnreadable)


@pytest.mark.parametrize("name", ["meta.json", "*.store", "*.term"])
def test_a_file_cut_short_is_noticed(folder: Path, name: str) -> None:
    (file,) = (folder / "segments").glob(name)
    file.write_bytes(file.read_bytes()[:-10])
    assert isinstance(error_of_opening(folder), IndexUnreadable)


def test_a_file_that_was_overwritten_is_noticed_when_it_is_read(folder: Path) -> None:
    (file,) = (folder / "segments").glob("*.store")
    file.write_bytes(b"\0" * 20 + file.read_bytes()[20:])
    with connect(folder) as engine:
        for call in (lambda: engine.get(["a"]), lambda: engine.search(SearchRequest())):
            with pytest.raises(IndexUnreadable, match="index again"):
                call()


def test_a_folder_with_other_files_is_not_made_an_index(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with connect(tmp_path) as engine:
        for call in (lambda: engine.create(SCHEMA), engine.describe, engine.drop):
            with pytest.raises(IndexUnreadable, match="letter.txt"):
                call()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_an_empty_folder_can_become_an_index(tmp_path: Path) -> None:
    with connect(tmp_path) as engine:
        engine.create(SCHEMA)
        with pytest.raises(IndexExists, match="drop it"):
            engine.create(SCHEMA)


def test_dropping_removes_the_index_and_nothing_else(folder: Path) -> None:
    (folder / "note.txt").write_text("mine")
    with connect(folder) as engine:
        engine.drop()
    assert [path.name for path in folder.iterdir()] == ["note.txt"]


def test_dropping_outlives_files_that_are_still_written(folder: Path) -> None:
    """tantivy does so now and then after its writer was closed."""
    segments, written = folder / "segments", 0
    started, until = threading.Event(), time.monotonic() + 0.3

    def write() -> None:
        nonlocal written
        while time.monotonic() < until:
            with suppress(OSError):
                (segments / f"late{written}").touch()
                written += 1
            started.set()

    writer = threading.Thread(target=write)
    writer.start()
    started.wait()
    with connect(folder) as engine:
        engine.drop()
    writer.join()
    assert written > 10
    assert not segments.exists()


def test_dropping_removes_the_folder_it_made(folder: Path) -> None:
    with connect(folder) as engine:
        engine.drop()
    assert not folder.exists()


def test_an_index_can_be_moved(folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    with connect(tmp_path / "elsewhere") as engine:
        assert engine.get(["a"]) == {"a": {"title": "x"}}


def test_an_index_that_vanished_under_an_engine_is_an_error(folder: Path) -> None:
    with connect(folder) as engine:
        engine.add([Document("b", {"title": "x"})])
        shutil.rmtree(folder)
        with pytest.raises(EngineUnavailable, match="cannot be written"):
            engine.add([Document("c", {"title": "x"})])
