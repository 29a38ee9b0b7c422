"""Write what the docs repeat from the code: `python docs/generate.py [--check]`.

docs/cli.md holds every command's --help, docs/training.md the table of training options. With
--check nothing is written; the exit code says whether the pages are up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click

from latent_terms.commands.main import main
from latent_terms.training.config import TrainConfig

DOCS = Path(__file__).parent
WIDTH = 90
HEAD = """\
# Command line

Written by `make docs` from the commands themselves. Results go to stdout, progress and messages
to stderr; `--json` prints one JSON document for programs. Exit codes: 0 done, 1 failed with a
sentence on stderr, 2 used wrongly, 130 interrupted.
"""
TABLE_STARTS, TABLE_ENDS = "<!-- generated: training options -->\n", "<!-- end -->"


def sections(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[str]:
    """The --help of a command and of everything below it."""
    context = command.make_context(name, [], parent, resilient_parsing=True, terminal_width=WIDTH)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            below = command.get_command(context, verb)
            if below is None:
                raise LookupError(f"{name} lists {verb}, but there is no such command")
            yield from sections(below, verb, context)


def option_table() -> str:
    rows = []
    for option in fields(TrainConfig):
        flag, sentence = option.name.replace("_", "-"), option.metadata["help"]
        default = "" if option.default is None else option.default
        rows.append(f"| `--{flag}` | {default} | {sentence} |\n")
    return "| Option | Default | |\n|---|---|---|\n" + "".join(rows)


def training_page() -> str:
    """The page as it stands, with the table between the two marks made again."""
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    before, rest = page.split(TABLE_STARTS)
    return before + TABLE_STARTS + option_table() + TABLE_ENDS + rest.partition(TABLE_ENDS)[2]


def up_to_date(path: Path, page: str) -> bool:
    """Line breaks do not count: they are the command-line library's, and change with it."""
    return path.exists() and path.read_text(encoding="utf-8").split() == page.split()


if __name__ == "__main__":
    pages = {
        DOCS / "cli.md": HEAD + "".join(sections(main, "latent-terms")),
        DOCS / "training.md": training_page(),
    }
    if sys.argv[1:] == ["--check"]:
        stale = [path.name for path, page in pages.items() if not up_to_date(path, page)]
        sys.exit(f"{', '.join(stale)}: out of date, run `make docs`" if stale else 0)
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8")
