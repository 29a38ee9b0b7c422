"""README and docs run: every python and console block, in page order, in one working folder a page.

How a page is read (an HTML comment on the line above a fence is a mark for that fence):

* ```python   runs; lines that start with `#> ` are the expected output.
* ```console  lines that start with `$ latent-terms` run; lines below them are the expected output.
* `<!-- file: notes.jsonl -->` saves the block under that name in the page's working folder.
* `<!-- not run: reason -->` leaves the block out. The reasons are counted.

`opensearch://localhost:9200/` and `elasticsearch://localhost:9200/` stand for the servers of the
tests, `new-model` for a small model folder.

Pages in docs/clients need other projects' packages and a running service: tests/clients runs them.
docs/pipelines.md needs a service that both servers call: tests/pipelines runs it.
In expected output `...` stands for anything, and white space is not compared.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .docs_servers import needs_servers
from .docs_servers import stand_ins as servers
from .pages import CLIENTS, PAGES, ROOT, blocks, page_name, run_page
from .unit.latent_terms.model_folder import build

NEW_MODEL = "new-model"
PIPELINES = ROOT / "docs" / "pipelines.md"
RUN = {"python", "console"}
SHOWN = {"csv", "json", "jsonl", "markdown", "text", "tsv"}
MOST_NOT_RUN = 12


def pages_that_run() -> Iterator[Any]:
    for page in PAGES:
        if page.parent != CLIENTS and page != PIPELINES:
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


def test_no_expected_output_is_written_so_that_nobody_compares_it() -> None:
    """ruff format, given a page, makes a comment of it."""
    written = [page_name(p) for p in PAGES if "\n# > " in p.read_text(encoding="utf-8")]
    assert not written, f"write `#> ` for `# > ` in {written}"


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
