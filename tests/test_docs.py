"""README and docs run: every python and console block, in page order, in one working folder a page.

How a page is read (an HTML comment on the line above a fence is a mark for that fence):

* ```python   runs; lines that start with `#> ` are the expected output.
* ```console  lines that start with `$ latent-terms` run; lines below them are the expected output.
* `<!-- file: notes.jsonl -->` saves the block under that name in the page's working folder.
* `<!-- not run: reason -->` leaves the block out. The reasons are counted.

`opensearch://localhost:9200/` and `elasticsearch://localhost:9200/` stand for the servers of the
tests, `new-model` for a small model folder.

Pages in docs/clients need other projects' packages and a running service: tests/clients runs them.
In expected output `...` stands for anything, and white space is not compared.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from .docs_servers import needs_servers
from .docs_servers import stand_ins as servers
from .unit.latent_terms.model_folder import build

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CLIENTS = ROOT / "docs" / "clients"
NEW_MODEL = "new-model"
SERVICE = "http://127.0.0.1:8080"
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<value>.+?) -->\n+)?"
    r"^```(?P<language>[^\n`]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = {"python", "console"}
SHOWN = {"csv", "json", "jsonl", "markdown", "text", "tsv"}
MOST_NOT_RUN = 12
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


def pages_that_run() -> Iterator[Any]:
    for page in PAGES:
        if page.parent != CLIENTS:
            server = needs_servers(page.read_text(encoding="utf-8"))
            yield pytest.param(page, marks=pytest.mark.engine if server else ())


@pytest.mark.parametrize("page", list(pages_that_run()), ids=page_name)
def test_a_pages_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    if NEW_MODEL in text:
        build(tmp_path / NEW_MODEL, document_scale=3.0)
    with servers(text, lambda kind: request.getfixturevalue(f"{kind}_url")) as stand_ins:
        run_page(page, tmp_path, stand_ins=stand_ins)


def test_there_are_pages_and_blocks_that_run() -> None:
    running = [
        (page_name(page), block.language)
        for page in PAGES
        for block in blocks(page)
        if block.language in RUN and block.not_run is None and block.file is None
    ]
    assert len(PAGES) >= 8
    assert {"README.md", "docs/quickstart.md", "docs/evaluation.md"} <= {
        name for name, _ in running
    }
    assert {language for _, language in running} == RUN
    assert len(running) >= 12


def test_every_fence_is_read_and_has_a_known_language() -> None:
    for page in PAGES:
        fences = re.findall(r"^ *```", page.read_text(encoding="utf-8"), re.MULTILINE)
        found = blocks(page)
        assert len(fences) == 2 * len(found), f"{page_name(page)} holds a fence nobody reads"
        unknown = {block.language for block in found} - RUN - SHOWN
        assert not unknown, f"{page_name(page)}: {sorted(unknown)} would never run"


def test_blocks_that_do_not_run_are_few_and_say_why() -> None:
    reasons = [block.not_run for page in PAGES for block in blocks(page) if block.not_run]
    assert len(reasons) <= MOST_NOT_RUN, reasons
    assert all(len(reason.split()) >= 3 for reason in reasons), reasons


def error_classes(package: str) -> set[str]:
    """Public exception classes, found in the source so that nothing heavy is imported."""
    bases = {
        node.name: {getattr(base, "id", "") for base in node.bases}
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    errors = {"Exception", "ValueError"}
    for _ in bases:  # as often as a chain of parents can be long
        errors |= {name for name, parents in bases.items() if parents & errors}
    return {name for name in errors & bases.keys() if not name.startswith("_")}


@pytest.mark.parametrize("package", ["latent_terms", "adapters", "rerank_service"])
def test_every_error_is_explained(package: str) -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    missing = error_classes(package) - set(re.findall(r"`(\w+)`", page))
    assert len(error_classes(package)) >= 3
    assert not missing, f"docs/errors.md lacks {sorted(missing)}"


def test_generated_reference_is_up_to_date() -> None:
    """docs/generate.py writes every command's --help and the training options into the docs."""
    process = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr


def test_links_between_pages_lead_somewhere() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target
    ]
    assert links
    broken = [f"{page_name(p)} -> {t}" for p, t in links if not (p.parent / t).exists()]
    assert not broken, broken
