"""What the verbs print: results on stdout, progress and messages on stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import click

WIDTH_OF_A_PIPE = 120
WIDEST_CELL = 40  # but for the last column
NARROWEST_CELL = 4
GAP = "  "
Update = Callable[[float, str], None]
Column = str | tuple[str, Literal["right"]]

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout, for programs to read."
)


def say(message: str) -> None:
    """One line to the person at the terminal, on stderr."""
    click.echo(message, err=True)


def print_json(value: object) -> None:
    """One JSON document on one line, in ASCII: it survives every encoding and lone surrogates."""
    click.echo(json.dumps(value))


def print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, title: str | None = None
) -> None:
    """A line a row, as wide as the terminal; what does not fit is cut."""
    names = [column if isinstance(column, str) else column[0] for column in columns]
    right = [not isinstance(column, str) for column in columns]
    cells = [[one_line(cell) for cell in row] for row in (names, *rows)]
    widths = [min(max(map(_width, column)), WIDEST_CELL) for column in zip(*cells, strict=True)]
    room = shutil.get_terminal_size((WIDTH_OF_A_PIPE, 0)).columns - len(GAP) * (len(widths) - 1)
    room = max(room, NARROWEST_CELL * len(widths))
    while sum(widths[:-1]) > room * (1 - 1 / len(widths)):  # the last keeps its fair share
        widths[widths.index(max(widths[:-1]))] -= 1
    widths[-1] = room - sum(widths[:-1])
    if title:
        click.secho(title, bold=True)
    for position, row in enumerate(cells):
        line = GAP.join(map(_fit, row, widths, right)).rstrip()
        click.echo(line if position else click.style(line, bold=True))


def _width(text: str) -> int:
    """Columns on a terminal: most Chinese characters take two, accents none."""
    from rich.cells import cell_len

    return cell_len(text)


def _fit(text: str, width: int, right: bool) -> str:
    from rich.cells import set_cell_size

    if _width(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    padding = " " * (width - _width(text))
    return padding + text if right else text + padding


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
def progress(label: str, *, total: float | None, hidden: bool = False) -> Iterator[Update]:
    """A progress bar on stderr; yields `update(completed, note)`. Silent when not a terminal."""
    if hidden or not sys.stderr.isatty():
        yield lambda completed, note: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        Remaining(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total, note="")
        yield lambda completed, note: bar.update(task, completed=completed, note=note)
