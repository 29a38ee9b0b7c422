from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from latent_terms.commands.main import main

from ..unit.latent_terms.model_folder import build

Run = Callable[..., Result]

NOTES = [
    {"_id": "n1", "title": "cats", "text": "the cat sat on the mat", "lang": "en", "year": 1999},
    {"_id": "n2", "title": "wing", "text": "a wing has lift and drag", "lang": "en", "year": 2003},
    {"_id": "n3", "title": "drag", "text": "drag is flow on a wing", "lang": "fr", "year": 2011},
    {"_id": "n4", "title": "dog", "text": "the dog sat on a dog", "lang": "de", "year": 2011},
]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


@pytest.fixture
def run() -> Run:
    """Runs the command line in this process: run("search", path, "words", code=1)."""

    def invoke(*arguments: object, code: int = 0, input: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(main, [str(a) for a in arguments], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "notes.jsonl", NOTES)


@pytest.fixture
def notes_index(notes: Path, tiny_model: Path, tmp_path: Path, run: Run) -> Path:
    path = tmp_path / "notes-index"
    fields = ("--keyword-fields", "lang", "--number-fields", "year")
    run("index", notes, "--into", path, "--model", tiny_model, *fields)
    return path


def write_lines(path: Path, documents: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(d) + "\n" for d in documents), encoding="utf-8")
    return path
