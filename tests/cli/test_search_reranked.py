"""`search --rerank` and `--sidecar`: who encodes and reranks, and what is said where nobody can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import latent_terms
from rerank_service.server import BackgroundServer
from rerank_service.settings import Settings

from .conftest import Run

QUERY = "the dog on a wing"


@pytest.fixture(scope="module")
def service(tiny_model: Path) -> Iterator[BackgroundServer]:
    settings = Settings(port=0, store="none", threads=1, timeout_ms=60_000, shutdown_seconds=1)
    service = BackgroundServer(latent_terms.load(str(tiny_model)), settings)
    yield service
    service.stop()


def answer(run: Run, *arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("search", *arguments, "--json").stdout)
    return found


def test_it_reranks_in_this_process(notes_index: Path, run: Run) -> None:
    plain = answer(run, notes_index, QUERY)
    assert (plain["encoded"], plain["reranked"]) == (True, False)
    assert "rerank_score" not in plain["hits"][0] and "reason" not in plain
    found = answer(run, notes_index, QUERY, "--rerank", 50)
    assert found["reranked"] and "reason" not in found
    scores = [hit["rerank_score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 4
    lexical = answer(run, notes_index, QUERY, "--rerank", 50, "--mode", "lexical")
    assert lexical["reranked"] and not lexical["encoded"]


def test_the_service_does_the_same_without_a_model_here(
    notes: Path, tiny_model: Path, tmp_path: Path, run: Run, service: BackgroundServer
) -> None:
    moved = tmp_path / "moved"
    moved.symlink_to(tiny_model)
    run("index", notes, "--into", tmp_path / "index", "--model", moved)
    here = answer(run, tmp_path / "index", QUERY, "--rerank", 100)
    moved.unlink()
    there = answer(run, tmp_path / "index", QUERY, "--sidecar", service.url)
    assert there["encoded"] and there["reranked"]
    for one, other in zip(here["hits"], there["hits"], strict=True):
        assert (one["id"], one["score"]) == (other["id"], other["score"])
        assert one["rerank_score"] == pytest.approx(other["rerank_score"], abs=1e-3)
    unordered = answer(run, tmp_path / "index", QUERY, "--sidecar", service.url, "--rerank", 0)
    assert unordered["encoded"] and not unordered["reranked"]


def test_the_table_has_a_column_for_it(notes_index: Path, run: Run) -> None:
    head, first, *_ = run("search", notes_index, QUERY, "--rerank", 2).stdout.splitlines()
    assert head.split() == ["rerank", "score", "words", "latent", "id", "document"]
    assert float(first.split()[1]) > 0


def test_a_service_that_is_gone_costs_no_hits_and_is_said(
    notes_index: Path, tiny_model: Path, run: Run
) -> None:
    gone = BackgroundServer(latent_terms.load(str(tiny_model)), Settings(port=0, store="none"))
    gone.stop()
    result = run("search", notes_index, "wing lift", "--sidecar", gone.url)
    assert "n2" in result.stdout
    assert "Not all that was asked for: not encoded, found by words alone: " in result.stderr
    assert "cannot be reached" in result.stderr
    latent = ("--mode", "latent", "--sidecar", gone.url)
    refused = run("search", notes_index, "wing lift", *latent, code=1)
    assert "cannot be reached" in refused.stderr and "Traceback" not in refused.output


def test_two_models_for_one_search_are_a_mistake(notes_index: Path, run: Run) -> None:
    both = ("--sidecar", "http://127.0.0.1:1", "--model", "minilm-en")
    assert "the model is the service's" in run("search", notes_index, "x", *both, code=2).stderr
