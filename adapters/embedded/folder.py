"""The folder of an embedded index: `index.json` (our schema) beside `segments/` (tantivy's files).

`index.json` is written last and removed first: a folder is an index exactly when it has one.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import (
    EngineUnavailable,
    IndexExists,
    IndexMissing,
    IndexUnreadable,
    SchemaRejected,
)
from ..types import Schema

FORMAT_VERSION = 1

_METADATA = "index.json"
_UNFINISHED = ".index.json.new"
_SEGMENTS = "segments"
_SECONDS_FOR_LAST_FILES = 5.0


class IndexFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.segments = path / _SEGMENTS

    def prepare(self) -> None:
        """Make the folder ready for tantivy's files; raises IndexExists, or IndexUnreadable where
        somebody else's files are in it."""
        with _io_errors(self.path):
            if (self.path / _METADATA).exists():
                raise IndexExists(f"{self.path} is an index already: drop it or choose another")
            self._refuse_foreign_files()
            self.segments.mkdir(parents=True, exist_ok=True)

    def write_schema(self, schema: Schema) -> None:
        content = {"format_version": FORMAT_VERSION, "schema": dataclasses.asdict(schema)}
        unfinished = self.path / _UNFINISHED
        with _io_errors(self.path):
            with unfinished.open("w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.path / _METADATA)
            _sync_folder(self.path)

    def read_schema(self) -> Schema:
        """Raises IndexMissing, IndexUnreadable."""
        with _io_errors(self.path):
            try:
                text = (self.path / _METADATA).read_text(encoding="utf-8")
            except FileNotFoundError as exc:
                self._refuse_foreign_files()
                raise IndexMissing(f"there is no index at {self.path}: create one first") from exc
            except UnicodeDecodeError as exc:
                raise self._damaged("is not UTF-8") from exc
        return self._parse(text)

    def remove(self) -> None:
        with _io_errors(self.path):
            (self.path / _METADATA).unlink(missing_ok=True)
            _sync_folder(self.path)
            _remove_tree(self.segments)
            with suppress(OSError):  # the user's own files may have come to lie beside ours
                self.path.rmdir()

    def size(self) -> int:
        """Bytes of all files."""
        total = 0
        for file in self.path.rglob("*"):
            with suppress(FileNotFoundError):  # merging removes files while we look
                total += file.stat().st_size if file.is_file() else 0
        return total

    def _refuse_foreign_files(self) -> None:
        names = {entry.name for entry in self.path.iterdir()} if self.path.exists() else set()
        if foreign := sorted(names - {_SEGMENTS, _UNFINISHED, _METADATA}):
            raise IndexUnreadable(
                f"{self.path} is not an index but holds other files ({foreign[0]}, ...): "
                "give a new or empty folder"
            )

    def _parse(self, text: str) -> Schema:
        try:
            content = json.loads(text)
        except ValueError as exc:
            raise self._damaged(f"is not JSON ({exc})") from exc
        version = content.get("format_version") if isinstance(content, dict) else None
        if not isinstance(version, int):
            raise self._damaged("has no format version")
        if version != FORMAT_VERSION:
            raise IndexUnreadable(
                f"{self.path} has index format {version} and this version reads {FORMAT_VERSION}: "
                f"{'upgrade latent-terms' if version > FORMAT_VERSION else 'index again'}"
            )
        fields = content.get("schema")
        if not isinstance(fields, dict):
            raise self._damaged("has no schema")
        read: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
        }
        try:
            return Schema(**read)
        except (TypeError, SchemaRejected) as exc:
            raise self._damaged(f"has no valid schema ({exc})") from exc

    def _damaged(self, what: str) -> IndexUnreadable:
        return IndexUnreadable(
            f"{self.path / _METADATA} {what}: restore it from a copy, or delete the folder and "
            "index again"
        )


def _remove_tree(folder: Path) -> None:
    """tantivy's own threads may still write a last file when its writer is closed."""
    deadline = time.monotonic() + _SECONDS_FOR_LAST_FILES
    while True:
        try:
            shutil.rmtree(folder)
            return
        except OSError as exc:
            if exc.errno != errno.ENOTEMPTY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


@contextmanager
def _io_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise EngineUnavailable(f"cannot use {path} as an index folder: {exc}") from exc


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
