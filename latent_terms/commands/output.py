"""What the verbs print: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_A_PIPE = 120
Update = Callable[[float, str], None]

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout, for programs to read."
)


def say(message: str) -> None:
    """One line to the person at the terminal, on stderr."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """One JSON document on one line, in ASCII: it survives every encoding and lone surrogates."""
    click.echo(json.dumps(value))


def console() -> Console:
    """Stdout, without markup: what documents contain is never taken for formatting."""
    from rich.console import Console

    width = shutil.get_terminal_size((WIDTH_OF_A_PIPE, 0)).columns
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=width)


def print_table(
    columns: Sequence[str | tuple[str, Literal["left", "right"]]],
    rows: Sequence[Sequence[str]],
    *,
    title: str | None = None,
) -> None:
    """A table whose last column gets what room there is; cells are cut, never wrapped."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for position, column in enumerate(columns):
        name, justify = (column, "left") if isinstance(column, str) else column
        last = position == len(columns) - 1
        table.add_column(
            name, justify=justify, no_wrap=True, overflow="ellipsis", ratio=1 if last else None
        )
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console().print(table)


def print_facts(facts: Sequence[tuple[str, Any]]) -> None:
    """Name and value, one fact a line."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(f"{name:<{width}}  {one_line(str(value))}")


def one_line(text: str, limit: int = 400) -> str:
    """The text without line breaks and without characters that steer a terminal."""
    words = " ".join(text[: 4 * limit].split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


@contextmanager
def progress(label: str, *, total: float | None) -> Iterator[Update]:
    """A progress bar on stderr; yields `update(completed, note)`. Silent when not a terminal."""
    if not sys.stderr.isatty():
        yield lambda completed, note: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        Remaining(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, note="")
        yield lambda completed, note: bar.update(task, completed=completed, note=note)
