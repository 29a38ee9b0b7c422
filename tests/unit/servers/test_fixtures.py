"""Where the server of a test run comes from, and what happens when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ... import conftest

ROOT = Path(__file__).resolve().parents[3]
WITHOUT_JAVA = """\
from tests import conftest
from tests.conftest import *
from tests.servers import Missing

def start(kind, *, version):
    raise Missing("Java is needed")

conftest.running, conftest.start = lambda kind, version: None, start
"""
THREE_TESTS = """\
def test_a(opensearch_url): pass
def test_b(opensearch_url): pass
def test_c(elasticsearch_url): pass
"""


def run_without_java(folder: Path, **variables: str) -> str:
    """The output of pytest on three tests that need servers."""
    (folder / "conftest.py").write_text(WITHOUT_JAVA, encoding="utf-8")
    (folder / "test_three.py").write_text(THREE_TESTS, encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | variables
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    process = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return process.stdout


def test_an_address_in_the_environment_is_taken_as_it_is(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENSEARCH_URL", "http://search:9200")
    assert list(conftest.server_url("opensearch", pytestconfig)) == ["http://search:9200"]


def test_a_running_one_of_the_wanted_version_is_taken(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "running", lambda kind, version: f"{kind} {version}")
    monkeypatch.delenv("OPENSEARCH_URL", raising=False)
    monkeypatch.setenv("OPENSEARCH_VERSION", "2.19.1")
    assert list(conftest.server_url("opensearch", pytestconfig)) == ["opensearch 2.19.1"]


def test_without_a_server_tests_are_skipped_and_one_line_says_why(tmp_path: Path) -> None:
    said = run_without_java(tmp_path).splitlines()
    assert said[-1].startswith("3 skipped")
    assert [line for line in said if "Java" in line] == ["No search server: Java is needed"]


def test_under_ci_they_fail(tmp_path: Path) -> None:
    said = run_without_java(tmp_path, CI="true").splitlines()
    assert said[-1].startswith("3 errors")
    assert "No search server: Java is needed" in said
