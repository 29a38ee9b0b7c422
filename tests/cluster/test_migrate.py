"""`latent-terms migrate` on real servers, with real model folders."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from adapters import connect
from adapters.server.cluster import Cluster

from ..servers.proxy import Proxy, Reply, Request
from ..unit.latent_terms.model_folder import build
from .command import run

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND_LINE = "from latent_terms.commands.main import main; main()"
TEXTS = ("the cat sat on the mat", "a dog sat on a mat", "a wing has lift", "drag is flow", "cats")
DOCUMENTS = 40


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Old and new; the new one counts higher, and so has another fingerprint."""
    folder = tmp_path_factory.mktemp("models")
    build(folder / "old", document_scale=2.0)
    build(folder / "new", document_scale=3.0)
    return folder / "old", folder / "new"


both = pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"], indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """One server will do for what is the command line's own."""
    return str(getattr(request, "param", "opensearch"))


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue(f"{kind}_url"))


@pytest.fixture
def address(
    url: str, models: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An index with the terms of the old model."""
    monkeypatch.chdir(tmp_path)  # dead letters go to the working folder
    notes = tmp_path / "notes.jsonl"
    lines = [{"_id": str(n), "title": f"x {n}", "text": TEXTS[n % 5]} for n in range(DOCUMENTS)]
    notes.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    address = f"{url}/migrate-{uuid.uuid4().hex[:12]}"
    run("index", notes, "--into", address, "--model", models[0])
    yield address
    with connect(address) as engine:
        engine.drop()


def status(address: str) -> dict[str, dict[str, Any]]:
    """By role."""
    found = json.loads(run("migrate", "status", address, "--json").stdout)
    return {field["role"]: field for field in found["fields"]}


@both
def test_a_migration_from_start_to_drop(address: str, models: tuple[Path, Path]) -> None:
    old, new = (json.loads((m / "manifest.json").read_text())["fingerprint"] for m in models)
    run("migrate", "start", address, "--model", models[1])
    assert {r: (f["fingerprint"], f["lacking"]) for r, f in status(address).items()} == {
        "active": (old, 0),
        "new": (new, 0),
    }
    run("migrate", "switch", address)
    assert {r: f["fingerprint"] for r, f in status(address).items()} == {
        "active": new,
        "previous": old,
    }
    assert json.loads(run("search", address, "cat", "--json").stdout)["total"] > 0
    run("migrate", "rollback", address)
    assert status(address)["active"]["fingerprint"] == old
    run("migrate", "switch", address, "--model", models[1])
    run("migrate", "drop", address, "--yes")
    assert {r: f["fingerprint"] for r, f in status(address).items()} == {"active": new}
    assert "nothing to go back to" in run("migrate", "rollback", address, code=1).stderr


def about(address: str) -> Any:
    """Mapping and settings."""
    cluster = Cluster(address)
    try:
        return cluster.request("GET", f"/{index_of(address)}").body
    finally:
        cluster.close()


def index_of(address: str) -> str:
    return address.rpartition("/")[2]


def test_a_dry_run_shows_the_request_and_changes_nothing(
    address: str, models: tuple[Path, Path]
) -> None:
    before = about(address)
    shown = run("migrate", "start", address, "--model", models[1], "--dry-run")
    line, _, body = shown.stdout.partition("\n")
    assert line == f"PUT /{index_of(address)}/_mapping"
    assert "_meta" in json.loads(body)
    assert f"{DOCUMENTS} documents" in shown.stderr
    assert about(address) == before


@both
def test_each_later_step_can_be_tried_dry(address: str, models: tuple[Path, Path]) -> None:
    run("migrate", "start", address, "--model", models[1])
    before = about(address)
    (request,) = requests("switch", address)
    assert about(address) == before
    send(address, request)
    assert [each["path"] for each in requests("rollback", address)] == [request["path"]]
    dropping = requests("drop", address)
    assert [each["method"] for each in dropping] == ["PUT", "POST"]
    assert "_update_by_query" in dropping[1]["path"]
    assert status(address)["active"]["lacking"] == status(address)["previous"]["lacking"] == 0


def requests(step: str, address: str) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = json.loads(
        run("migrate", step, address, "--dry-run", "--json").stdout
    )["requests"]
    return shown


def send(address: str, request: dict[str, Any]) -> None:
    """What was shown is what a person may send instead."""
    cluster = Cluster(address)
    cluster.request(request["method"], request["path"], body=request["body"])
    cluster.close()


def test_a_switch_fills_what_was_written_meanwhile(
    address: str, models: tuple[Path, Path], tmp_path: Path
) -> None:
    run("migrate", "start", address, "--model", models[1])
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"_id": "late", "title": "x", "text": "a wing has drag"}) + "\n")
    run("index", more, "--into", address, "--model", models[0])
    assert status(address)["new"]["lacking"] == 1
    run("migrate", "switch", address)
    assert status(address)["active"]["lacking"] == 0


@both
def test_a_switch_is_refused_while_documents_cannot_be_filled(
    address: str, models: tuple[Path, Path]
) -> None:
    run("migrate", "start", address, "--model", models[1])
    write_what_cannot_be_updated(address, 3)
    refused = run("migrate", "switch", address, code=1)
    assert "3 of the 43 documents" in refused.stderr
    assert "new" in status(address)
    letters = Path(f"{index_of(address)}.rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(letters) == 3
    assert "nested" in json.loads(letters[0])["reason"]
    run("migrate", "switch", address, "--allow-missing", "3")
    assert status(address)["active"]["lacking"] == 3


def write_what_cannot_be_updated(address: str, number: int) -> None:
    """They are in the index, and a limit that was lowered later refuses them from then on."""
    cluster, index = Cluster(address), index_of(address)
    parts = {"properties": {"parts": {"type": "nested"}}}
    cluster.request("PUT", f"/{index}/_mapping", body=parts)
    for n in range(number):
        source = {"title": "x", "text": "cat", "parts": [{"x": 1}] * 20}
        cluster.request("PUT", f"/{index}/_doc/bad{n}", body=source)
    limit = {"index.mapping.nested_objects.limit": 10}
    cluster.request("PUT", f"/{index}/_settings", body=limit)
    cluster.close()


def test_another_model_than_that_of_the_field_is_refused_before_anything_is_written(
    address: str, models: tuple[Path, Path], tmp_path: Path
) -> None:
    run("migrate", "start", address, "--model", models[1])
    before = about(address)
    build(tmp_path / "third", document_scale=4.0)
    refused = run("migrate", "switch", address, "--model", tmp_path / "third", code=1)
    assert "has no terms of model" in refused.stderr
    assert about(address) == before


def test_a_drop_asks_first(address: str, models: tuple[Path, Path]) -> None:
    run("migrate", "start", address, "--model", models[1])
    run("migrate", "switch", address)
    before = about(address)
    assert "Aborted" in run("migrate", "drop", address, code=1).stderr
    assert about(address) == before


@dataclass
class HoldAllButTheFirst:
    """Bulk requests after the first wait, and are lost."""

    passed: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        if request.action != "_bulk":
            return request.forward(request.body)
        self.passed += 1
        if self.passed == 1:
            return request.forward(request.body)
        self.held.set()
        self.release.wait(60)
        return None


def test_a_start_that_was_killed_goes_on_where_it_was(
    address: str, models: tuple[Path, Path]
) -> None:
    url, _, index = address.rpartition("/")
    hold = HoldAllButTheFirst()
    with Proxy(url, [hold], most_bytes=2_500) as proxy:
        command = ("migrate", "start", f"{proxy.url}/{index}", "--model", str(models[1]))
        process = subprocess.Popen([sys.executable, "-c", COMMAND_LINE, *command], cwd=ROOT)
        try:
            assert hold.held.wait(60)
        finally:
            process.kill()
            process.wait()
            hold.release.set()
    lacking = status(address)["new"]["lacking"]
    assert 0 < lacking < DOCUMENTS
    assert json.loads(run("search", address, "cat", "--json").stdout)["total"] > 0
    run("migrate", "start", address, "--model", models[1])
    assert status(address)["new"]["lacking"] == 0
    run("migrate", "switch", address)


def test_a_comparison_tells_how_far_the_models_agree(
    address: str, models: tuple[Path, Path], tmp_path: Path
) -> None:
    run("migrate", "start", address, "--model", models[1])
    queries = tmp_path / "queries.txt"
    queries.write_text("cat on a mat\n\nwing drag\n", encoding="utf-8")
    shown = run("migrate", "compare", address, queries, "--per-query", tmp_path / "all.jsonl")
    assert "overlap@10" in shown.stdout and "Changed most" in shown.stdout
    found = json.loads(run("migrate", "compare", address, queries, "--json").stdout)
    assert (found["queries"], found["k"], found["measures"]) == (2, 10, None)
    assert 0 < found["overlap"] <= 1 and 0 < found["rank_biased_overlap"] <= 1
    assert set(found["took_ms"]) == set(found["models"]) == {"active", "other"}
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["query"] for line in lines] == ["cat on a mat", "wing drag"]
    assert len(lines[0]["active"]) == len(lines[0]["other"]) == 10


def test_a_comparison_with_judgements_measures_both_models(
    address: str, models: tuple[Path, Path], tmp_path: Path
) -> None:
    run("migrate", "start", address, "--model", models[1])
    folder = judged(tmp_path / "judged", {"2": 1, "7": 1})
    measures = json.loads(run("migrate", "compare", address, folder, "--json").stdout)["measures"]
    assert set(measures["active"]) == set(measures["other"]) == {"ndcg@10", "recall@10", "mrr@10"}
    assert measures["active"]["ndcg@10"] > 0
    assert measures["test"]["difference"] == pytest.approx(
        measures["other"]["ndcg@10"] - measures["active"]["ndcg@10"]
    )
    assert "ndcg@10" in run("migrate", "compare", address, folder).stdout


def test_judgements_of_another_index_are_refused(
    address: str, models: tuple[Path, Path], tmp_path: Path
) -> None:
    run("migrate", "start", address, "--model", models[1])
    folder = judged(tmp_path / "judged", {"somewhere-else": 1})
    refused = run("migrate", "compare", address, folder, code=1)
    assert "'somewhere-else'" in refused.stderr


def judged(folder: Path, relevant: dict[str, int]) -> Path:
    """Queries and judgements without a corpus."""
    (folder / "qrels").mkdir(parents=True)
    query = json.dumps({"_id": "q1", "text": "wing lift"})
    (folder / "queries.jsonl").write_text(f"{query}\n", encoding="utf-8")
    lines = [f"q1\t{id}\t{relevance}\n" for id, relevance in relevant.items()]
    header = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "test.tsv").write_text(header + "".join(lines), encoding="utf-8")
    return folder


def test_without_a_second_model_there_is_nothing_to_compare(address: str, tmp_path: Path) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text("cat\n", encoding="utf-8")
    assert "the terms of one model" in run("migrate", "compare", address, queries, code=1).stderr
