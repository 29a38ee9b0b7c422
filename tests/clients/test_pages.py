"""The pages in docs/clients run against the service, and name the versions they run with."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest

from ..pages import CLIENTS, blocks, page_name, run_page
from .served import Served

SERVICE = "http://127.0.0.1:8080"
PAGES = sorted(CLIENTS.glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_pages_blocks_run(
    page: Path, service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert any(block.language == "python" for block in blocks(page))
    run_page(page, tmp_path, stand_ins={SERVICE: service.url})


def test_the_overview_names_every_package_and_its_version() -> None:
    wanted = {
        f"{match[1]} {match[2]}"
        for each in requires("latent-terms") or ()
        if (match := re.match(r"([\w-]+)==([\d.]+)\.\*; extra == .clients", each))
    }
    assert len(wanted) >= 9
    text = (CLIENTS / "index.md").read_text(encoding="utf-8")
    assert not {each for each in wanted if each not in text}
