from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from latent_terms.commands.main import main
from latent_terms.evaluation import MEASURES, RUNS

from ..unit.latent_terms.model_folder import build
from .beir import write_collection

DOCUMENTS = {
    "d 1": "the cat sat on the mat",
    "d2": "wing lift and drag flow",
    "d3": "a dog sat on a dog",
    "d4": "drag flow drag flow",
}
QUERIES = {"q 1": "cat on mat", "q2": "lift of a wing", "q3": "dog"}
QRELS = {"q 1": {"d 1": 1}, "q2": {"d2": 1}, "q3": {"d3": 1}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    return write_collection(tmp_path / "animals", DOCUMENTS, QUERIES, QRELS)


def evaluate(collection: Path, model: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["eval", str(collection), "--model", str(model), *options])


def test_json_holds_runs_measures_and_the_cost_of_terms(collection: Path, model: Path) -> None:
    result = evaluate(collection, model, "--json")

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["collection"], found["model"]) == ("animals", "tiny")
    assert tuple(found["runs"]) == RUNS
    for measured in found["runs"].values():
        assert tuple(measured) == tuple(MEASURES)
    assert found["runs"]["lexical"] == dict.fromkeys(MEASURES, 1)
    assert found["terms_per_document"] > found["terms_per_query"] > 0
    assert found["postings_per_query"] > 0
    assert (found["split"], found["documents"], found["queries"]) == ("test", 4, 3)


def test_the_table_shows_every_run_and_what_terms_cost(collection: Path, model: Path) -> None:
    shown = evaluate(collection, model).stdout.splitlines()

    assert shown[0].strip() == "animals (test), tiny"
    assert "lexical 1.0000 1.0000 1.0000 1.0000" in {" ".join(line.split()) for line in shown}
    starts = (*RUNS, "terms per document", "terms per query", "postings per query")
    for start in (*starts, "latent - dense", "combined - latent"):
        assert any(line.strip().startswith(start) for line in shown), start


def test_runs_are_compared_as_asked(collection: Path, model: Path) -> None:
    asked = ("--compare", "lexical:latent", "--compare", "dense:lexical")
    found = json.loads(evaluate(collection, model, "--json", *asked).stdout)

    assert [entry["runs"] for entry in found["significance"]] == [
        ["lexical", "latent"],
        ["dense", "lexical"],
    ]
    for entry in found["significance"]:
        first, second = (found["runs"][run]["ndcg@10"] for run in entry["runs"])
        assert entry["measure"] == "ndcg@10"
        assert entry["difference"] == pytest.approx(first - second)
        assert 0 < entry["p_value"] <= 1


def test_only_the_runs_asked_for_are_made_and_compared(collection: Path, model: Path) -> None:
    found = json.loads(evaluate(collection, model, "--run", "lexical", "--json").stdout)

    assert list(found["runs"]) == ["lexical"]
    assert found["terms_per_document"] is None
    assert found["significance"] == []


def test_per_query_values_average_to_the_table(
    collection: Path, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "queries.jsonl"
    result = evaluate(collection, model, "--json", "--per-query", str(path))

    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {line["query"]: line["text"] for line in lines} == QUERIES
    for run, measured in json.loads(result.stdout)["runs"].items():
        for name, mean in measured.items():
            total = sum(line["runs"][run][name] for line in lines)
            assert mean == pytest.approx(total / len(QUERIES)), (run, name)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--compare", "latent"], "write two of lexical, dense, latent, combined"),
        (["--compare", "latent:neural"], "write two of lexical, dense, latent, combined"),
        (["--compare", "latent:dense", "--run", "latent"], "needs a run that --run leaves out"),
        (["--per-query", "nowhere/queries.jsonl"], "nowhere is not a folder"),
        (["--run", "neural"], "neural"),
        (["--latent-weight", "-1"], "-1"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(
    tmp_path: Path, options: list[str], sentence: str
) -> None:
    result = evaluate(tmp_path / "missing", tmp_path / "missing", *options)

    assert result.exit_code == 2
    assert sentence in result.stderr


def test_a_folder_that_is_no_collection_is_a_sentence(tmp_path: Path, model: Path) -> None:
    missing = evaluate(tmp_path / "missing", model)
    empty = evaluate(tmp_path, model)

    assert missing.exit_code == empty.exit_code == 1
    assert "missing is not a folder; expected a collection in BEIR layout" in missing.stderr
    assert "has neither corpus.jsonl nor corpus.jsonl.gz" in empty.stderr


def test_a_missing_extra_is_a_sentence_with_the_install_line(
    collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    result = evaluate(collection, model)

    assert result.exit_code == 1
    assert "pip install 'latent-terms[eval]'" in result.stderr
