"""`demo`, over a library of three files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latent_terms.commands import demo
from latent_terms.commands.docstrings import Docstring, docstrings

from .conftest import Run

HTML = '''"""Tools for the web: the cat sat on the mat, on the mat, on the mat."""

def escape(s):
    """The wing has lift and drag and flow; the wing has lift and drag."""

    def inner():
        """Not public: a function inside of a function, on the mat, the cat."""

def _private():
    """Not public: the wing has lift and drag and flow, and so on, and on."""

def short():
    """Too short."""

class Dog:
    """The dog sat on a dog, on a dog, on a dog, on a dog."""

    def sit(self):
        """The dog sat on a dog, on a dog, on a dog, on a cat."""

    async def copy(self):
        """The dog sat on a dog, on a dog, on a dog, on a dog."""
'''


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    (root / "html" / "test").mkdir(parents=True)
    (root / "html" / "__init__.py").write_text(HTML)
    (root / "html" / "test" / "hidden.py").write_text(HTML)
    (root / "_private.py").write_text(HTML)
    (root / "broken.py").write_text("def (:")
    return root


def test_public_docstrings_are_found_once_under_their_names(library: Path) -> None:
    found = list(docstrings(library, limit=100))
    assert [(d.name, d.kind) for d in found] == [
        ("html", "module"),
        ("html.escape", "function"),
        ("html.Dog", "class"),
        ("html.Dog.sit", "function"),
    ]
    assert found[1].text.startswith("The wing has lift")
    assert list(docstrings(library, limit=2)) == found[:2]
    assert isinstance(found[0], Docstring)


@pytest.fixture
def small_library(library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "standard_library", lambda: library)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("small_library")
def test_the_index_is_made_once_and_then_only_searched(
    tiny_model: Path, tmp_path: Path, run: Run
) -> None:
    first = run("demo", "--model", tiny_model)
    assert "Indexed 4 of them" in first.stderr
    second = run("demo", "--model", tiny_model)
    assert second.stderr == ""
    assert second.stdout == first.stdout
    (index,) = (tmp_path / "cache" / "latent-terms").iterdir()
    assert f"latent-terms explain {index}" in first.stdout


@pytest.mark.usefixtures("small_library")
def test_each_question_is_answered_in_three_ways(tiny_model: Path, run: Run) -> None:
    shown = run("demo", "--model", tiny_model).stdout
    for question in demo.QUESTIONS:
        assert question.text in shown
    assert shown.count("lexical  ") == len(demo.QUESTIONS)
    assert "✓ html.escape" in shown
    assert "answered among the first 4: lexical " in shown


@pytest.mark.usefixtures("small_library")
def test_ones_own_question_and_folder(tiny_model: Path, tmp_path: Path, run: Run) -> None:
    into = tmp_path / "here" / "index"
    options = ("--model", tiny_model, "--into", into, "--json")
    (asked,) = json.loads(run("demo", "wing lift", *options).stdout)["questions"]
    assert asked["question"] == "wing lift"
    for mode in demo.MODES:
        assert asked["hits"][mode][0]["id"] == "html.escape"
    assert into.is_dir()


@pytest.mark.usefixtures("small_library")
def test_an_interrupted_index_is_completed(
    tiny_model: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "index"
    options = ("--model", tiny_model, "--into", into, "--json")

    def stopped(path: Path, target: Path) -> Path:
        raise OSError(5, "stopped here", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stopped)
        assert "stopped here" in run("demo", *options, code=1).stderr
    assert not into.exists()
    again = run("demo", *options)
    assert "Indexed 0 of them" in again.stderr
    assert json.loads(again.stdout)["documents"] == 4


def test_there_is_an_answer_to_every_question_in_this_python(run: Run) -> None:
    names = {d.name for d in docstrings(demo.standard_library(), limit=demo.MOST_DOCUMENTS)}
    assert len(names) > 2000
    for question in demo.QUESTIONS:
        assert any(name.startswith(question.answer) for name in names), question
