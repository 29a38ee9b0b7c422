"""The files a user names: what they are by their name, how large, and their bytes unpacked."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

import click

STDIN = Path("-")
JSONL = (".jsonl", ".ndjson")
CSV = (".csv", ".tsv")
TEXT = (".txt", ".md", ".markdown", ".rst")


class Opened(NamedTuple):
    """The unpacked bytes, and a function that tells how far into the file on disk they are."""

    stream: IO[bytes]
    position: Callable[[], int]


def shown(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


def kind(path: Path) -> str:
    """The suffix that tells the format: `.jsonl` of `corpus.jsonl.gz`."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Raises OSError, and click.ClickException where a .gz file is broken."""
    if path == STDIN:
        yield Opened(sys.stdin.buffer, lambda: 0)
        return
    with path.open("rb") as raw:
        packed = path.name.lower().endswith(".gz")
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
        try:
            yield Opened(stream, raw.tell)
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            raise click.ClickException(
                f"{path}: broken gzip file ({exc}). Test it with gzip -t and fetch it again."
            ) from exc


def text_files(folder: Path) -> Iterator[Path]:
    """Text and markdown below the folder in a fixed order; what is hidden stays hidden."""
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(at, name)
            if kind(path) in TEXT and not name.startswith(".") and path.is_file():
                yield path


def size_of(path: Path) -> int:
    """Bytes on disk; 0 for a stream."""
    if path == STDIN:
        return 0
    if path.is_dir():
        return sum(file.stat().st_size for file in text_files(path))
    return path.stat().st_size


def total_size(paths: Sequence[Path]) -> int | None:
    """Bytes of all of them; None when one is a stream."""
    return None if STDIN in paths else sum(map(size_of, paths))
