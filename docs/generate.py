"""Write docs/cli.md, every command's --help: `python docs/generate.py [--check]`.

With --check nothing is written; the exit code says whether the page is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from latent_terms.commands.main import main

PAGE = Path(__file__).parent / "cli.md"
WIDTH = 90
HEAD = """\
# Command line

Written by `make docs` from the commands themselves. Results go to stdout, progress and messages
to stderr; `--json` prints one JSON document for programs. Exit codes: 0 done, 1 failed with a
sentence on stderr, 2 used wrongly, 130 interrupted.
"""


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


def up_to_date(page: str) -> bool:
    """Line breaks do not count: they are the command-line library's, and change with it."""
    return PAGE.exists() and PAGE.read_text(encoding="utf-8").split() == page.split()


if __name__ == "__main__":
    page = HEAD + "".join(sections(main, "latent-terms"))
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if up_to_date(page) else "docs/cli.md is out of date: run `make docs`")
    PAGE.write_text(page, encoding="utf-8")
