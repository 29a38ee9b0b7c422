"""Reading a page of README and docs, and running its blocks: tests/test_docs.py says how."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / "docs" / "clients"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<value>.+?) -->\n+)?"
    r"^```(?P<language>[^\n`]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COMMAND_LINE = "from latent_terms.commands.main import main; main(prog_name='latent-terms')"
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; `line` is where its fence stands."""

    language: str
    body: str
    line: int
    file: str | None = None
    not_run: str | None = None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            language=match["language"],
            body=match["body"],
            line=text.count("\n", 0, match.start("language")) + 1,
            file=match["value"] if match["mark"] == "file" else None,
            not_run=match["value"] if match["mark"] == "not run" else None,
        )
        for match in FENCE.finditer(text)
    ]


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def check_output(shown: str, real: str, where: str) -> None:
    if shown.strip() and not doctest.OutputChecker().check_output(shown, real, SAME):
        pytest.fail(f"{where} shows\n{shown}\nbut the output is\n{real}")


def run_python(block: Block, namespace: dict[str, object], where: str) -> None:
    output = io.StringIO()
    # Blank lines in front, so that a traceback names the line of the page.
    code = compile("\n" * block.line + block.body, where.partition(":")[0], "exec")
    with contextlib.redirect_stdout(output):
        exec(code, namespace)
    shown = "".join(
        line.removeprefix("#> ") + "\n" for line in block.body.splitlines() if line[:3] == "#> "
    )
    check_output(shown, output.getvalue(), where)


def run_console(block: Block, folder: Path, where: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1"}
    for turn in re.split(r"^\$ ", block.body.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, _, shown = turn.partition("\n")
        program, *arguments = shlex.split(command)
        assert program == "latent-terms", f"{where}: mark the block as not run, or drop `{command}`"
        process = subprocess.run(
            [sys.executable, "-c", COMMAND_LINE, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        failed = process.returncode != 0
        assert failed == ("Error" in shown), f"{where}: `{command}` said\n{process.stderr}"
        check_output(shown, process.stderr if failed else process.stdout, f"{where}: `{command}`")


def run_page(page: Path, folder: Path, *, stand_ins: Mapping[str, str]) -> None:
    """Run a page's blocks in `folder`, the working folder, with other addresses than it shows."""
    namespace: dict[str, object] = {"__name__": "__docs__"}
    for block in blocks(page):
        where = f"{page_name(page)}:{block.line}"
        for shown, real in stand_ins.items():
            block = replace(block, body=block.body.replace(shown, real))
        if block.file is not None:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.body, encoding="utf-8")
        elif block.not_run is None and block.language == "python":
            run_python(block, namespace, where)
        elif block.not_run is None and block.language == "console":
            run_console(block, folder, where)
