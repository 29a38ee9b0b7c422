"""Documents out of JSONL, CSV and TSV (plain or .gz), text and markdown files, and folders.

Everything streams. A bad line is yielded as `Rejected`, with its file, line and reason, and reading
goes on; a file that cannot be read at all ends in one sentence.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from latent_terms.commands.files import (
    CSV,
    JSONL,
    STDIN,
    TEXT,
    kind,
    opened,
    shown,
    size_of,
    text_files,
)

DEFAULT_ID_FIELDS = ("_id", "id")
LETTER = {"where", "reason", "document"}  # the keys of adapters.dead_letters
LARGEST_CELL = 1 << 30


@dataclass(frozen=True)
class Record:
    """One document as it was read; `source` no longer holds the id."""

    id: str
    source: dict[str, Any]
    where: str
    raw: Any = field(default=None, compare=False, repr=False)
    """As it was read, with the id."""


@dataclass(frozen=True)
class Rejected:
    """A document that could not be read; `raw` is what was there instead."""

    where: str
    reason: str
    raw: Any


@dataclass(frozen=True)
class Reader:
    """How to make documents of what the files hold.

    id_field: the field with the id; without it, `_id` or else `id`.
    fields: what to keep of each document; nothing named = everything.
    number_fields: CSV cells that are numbers; JSON knows its own.
    on_progress: is told how many bytes of all sources have been read.
    """

    id_field: str | None = None
    fields: tuple[str, ...] = ()
    number_fields: tuple[str, ...] = ()
    on_progress: Callable[[int], None] = lambda done: None

    def read(self, sources: Sequence[Path]) -> Iterator[Record | Rejected]:
        before = 0
        for path in sources:
            if path.is_dir():
                yield from self._read_folder(path, before)
            elif kind(path) in TEXT:
                yield _read_text(path, path.name)
            else:
                yield from self._read_lines(path, before)
            before += size_of(path)
            self.on_progress(before)

    def _read_folder(self, folder: Path, before: int) -> Iterator[Record | Rejected]:
        found = False
        for path in text_files(folder):
            found = True
            yield _read_text(path, f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}")
            before += path.stat().st_size
            self.on_progress(before)
        if not found:
            raise click.ClickException(
                f"{folder}: no text here ({' '.join(TEXT)}). "
                "JSONL and CSV files are given by their own name."
            )

    def _read_lines(self, path: Path, before: int) -> Iterator[Record | Rejected]:
        rows = _rows_of(path)
        with opened(path) as (stream, position):
            for line, value in rows(path, stream):
                where = f"{shown(path)}, line {line}"
                yield self._item(value, where)
                self.on_progress(before + position())

    def _item(self, value: dict[str, Any] | Rejected, where: str) -> Record | Rejected:
        """A line of a file of rejected documents stands for its document."""
        if isinstance(value, Rejected):
            return value
        if value.keys() == LETTER:
            if not isinstance(value["document"], dict):
                return Rejected(where, value["reason"], value["document"])
            value = value["document"]
        return self._record(value, where)

    def _record(self, value: dict[str, Any], where: str) -> Record | Rejected:
        names = (self.id_field,) if self.id_field else DEFAULT_ID_FIELDS
        name = next((name for name in names if name in value), None)
        if name is None:
            there = ", ".join(value)[:200]
            reason = f"no {' or '.join(names)}: name the id with --id-field (fields here: {there})"
            return Rejected(where, reason, value)
        raw_id = value[name]
        if isinstance(raw_id, bool) or not isinstance(raw_id, str | int) or raw_id == "":
            reason = f"{name} is {json.dumps(raw_id)}: an id is a word or a whole number"
            return Rejected(where, reason, value)
        kept = self.fields or value.keys()
        source = {key: value[key] for key in kept if key in value and key != name}
        try:
            return Record(str(raw_id), self._with_numbers(source), where, value)
        except ValueError as exc:
            return Rejected(where, str(exc), value)

    def _with_numbers(self, source: dict[str, Any]) -> dict[str, Any]:
        cells = {field: source[field] for field in self.number_fields if field in source}
        typed = {f: number(cell, f) for f, cell in cells.items() if isinstance(cell, str)}
        return source | typed


def number(text: str, what: str) -> int | float:
    """Raises ValueError, naming what the text is."""
    for to_number in (int, float):
        with suppress(ValueError):
            value: int | float = to_number(text)
            if math.isfinite(value):
                return value
    raise ValueError(f"{what}: {text!r} is not a number")


Rows = Iterator[tuple[int, dict[str, Any] | Rejected]]


def _rows_of(path: Path) -> Callable[[Path, IO[bytes]], Rows]:
    if path == STDIN or kind(path) in JSONL:
        return _json_rows
    if kind(path) in CSV:
        return _csv_rows
    known = ", ".join((*JSONL, *CSV, *TEXT))
    raise click.ClickException(
        f"{path}: the name does not tell what this is. Rename it to one of {known} (the first "
        "four also as .gz), or pipe JSON lines in and give - as the source."
    )


def _json_rows(path: Path, stream: IO[bytes]) -> Rows:
    for position, line in enumerate(stream, start=1):
        if line.strip():
            value = _json_row(line)
            if isinstance(value, str):
                raw = line.decode("utf-8", "replace").rstrip("\n")
                yield position, Rejected(f"{shown(path)}, line {position}", value, raw)
            else:
                yield position, value


def _json_row(line: bytes) -> dict[str, Any] | str:
    """The object, or the reason why there is none."""
    try:
        value = json.loads(line.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        return f"not JSON: {exc}"
    if not isinstance(value, dict):
        return 'not a JSON object: write one a line, such as {"_id": "1", "text": "…"}'
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _csv_rows(path: Path, stream: IO[bytes]) -> Rows:
    csv.field_size_limit(LARGEST_CELL)
    text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    rows = csv.reader(text, delimiter="\t" if kind(path) == ".tsv" else ",", strict=True)
    try:
        header = next(rows, [])
        for row in rows:
            if row:
                yield rows.line_num, _csv_row(header, row, f"{path}, line {rows.line_num}")
    except UnicodeDecodeError as exc:
        raise click.ClickException(
            f"{path}, after line {rows.line_num}: not UTF-8. "
            "Convert it, for example with iconv -f latin1 -t utf-8."
        ) from exc
    except csv.Error as exc:
        raise click.ClickException(
            f'{path}, line {rows.line_num}: {exc}. Put " around cells and double each " inside.'
        ) from exc
    finally:
        text.detach()


def _csv_row(header: list[str], row: list[str], where: str) -> dict[str, Any] | Rejected:
    """An empty cell is no value."""
    if len(row) != len(header):
        return Rejected(where, f"{len(row)} cells, but the header has {len(header)}", row)
    return {name: cell for name, cell in zip(header, row, strict=True) if cell}


def _read_text(path: Path, name: str) -> Record | Rejected:
    try:
        with opened(path) as (stream, _):
            text = stream.read().decode("utf-8-sig")
        name.encode()
    except UnicodeError:
        return Rejected(str(path), "file or name is not UTF-8: convert it with iconv", None)
    source = {"title": _title(text, path.stem), "text": text, "path": name}
    return Record(name, source, str(path), {"_id": name, **source})


def _title(text: str, otherwise: str) -> str:
    """A markdown heading at the top names the document; else its file does."""
    first = text[:400].lstrip().split("\n", 1)[0]
    return first.lstrip("#").strip() if first.startswith("#") else otherwise
