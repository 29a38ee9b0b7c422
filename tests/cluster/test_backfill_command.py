"""`latent-terms backfill`: an index of somebody else, searched by latent terms afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.dialect.dialect import latent_field_name
from adapters.server.cluster import Cluster
from latent_terms import load

from ..unit.latent_terms.model_folder import build
from .command import run
from .plain_index import plain_index, sources, write

pytestmark = pytest.mark.engine

NOTES = {
    "n1": {"title": "cats", "body": "the cat sat on the mat"},
    "n2": {"title": "wing", "body": "a wing has lift and drag", "year": 2003},
    "n3": {"title": "drag", "body": ["drag is flow", "on a wing"]},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


def test_an_index_in_use_is_filled_and_searched(url: str, cluster: Cluster, model: Path) -> None:
    with plain_index(cluster, NOTES) as index:
        filled = run(
            *("backfill", url, "--index", index, "--fields", "title,body", "--model", model),
            "--json",
        )
        report = json.loads(filled.stdout)
        field = latent_field_name(load(model).fingerprint)
        assert (report["index"], report["field"]) == (index, field)
        assert (report["total"], report["updated"], report["missing"]) == (3, 3, 0)
        found = run("search", f"{url}/{index}", "wing", "--mode", "latent", "--json")
        hits = json.loads(found.stdout)["hits"]
        assert hits[0]["id"] in {"n2", "n3"}
        assert hits[0]["source"] == NOTES[hits[0]["id"]]

        write(cluster, index, [("n4", {"title": "dog"})])
        again = run("backfill", f"{url}/{index}")
        assert again.stdout.splitlines()[0].split()[:2] == ["updated", "1"]
        assert field in sources(cluster, index)["n4"]


def test_what_cannot_be_filled_is_listed_with_the_reason(
    url: str, cluster: Cluster, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mapping = {"dynamic": False, "properties": {"title": {"type": "text"}}}
    documents = {"good": {"title": "cat"}, "bad": {"title": "dog", "when": "soon"}}
    with plain_index(cluster, documents, mapping=mapping) as index:
        date = {"properties": {"when": {"type": "date"}}}
        cluster.request("PUT", f"/{index}/_mapping", body=date)
        command = ("backfill", f"{url}/{index}", "--fields", "title", "--model", model)
        result = run(*command, code=1)
        assert f"1 documents could not be filled. {index}.rejected.jsonl names" in result.stderr
        (letter,) = map(json.loads, Path(f"{index}.rejected.jsonl").read_text().splitlines())
        assert (letter["where"], letter["document"]) == (f"{index}/bad", {"_id": "bad"})
        assert "failed to parse field [when]" in letter["reason"]

        write(cluster, index, [("bad", {"title": "dog", "when": "2024-05-31"})])
        run(*command)
        assert not Path(f"{index}.rejected.jsonl").exists()


def test_another_model_and_a_missing_name_end_in_a_sentence(
    url: str, cluster: Cluster, model: Path, tmp_path: Path
) -> None:
    build(tmp_path / "other", document_scale=3.0)
    with plain_index(cluster, NOTES) as index:
        command = ("backfill", f"{url}/{index}", "--model")
        assert "name them" in run(*command, model, code=1).stderr
        run(*command, model, "--fields", "title")
        other = run(*command, tmp_path / "other", "--fields", "title", code=1)
        assert "latent-terms migrate" in other.stderr
        assert "--changed" in run(*command, model, "--fields", "body", code=1).stderr
        assert "--index says x" in run(*command, model, "--index", "x", code=2).stderr
        assert "Which index?" in run("backfill", url, code=2).stderr
