"""`index`: what lands in the index, what is refused, and what is said about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters import AnyOf, Range, Schema, Search, connect
from latent_terms import load

from .conftest import NOTES, Run, write_lines


def counts(output: str) -> tuple[int, int, int]:
    report = json.loads(output)
    return report["indexed"], report["skipped"], report["rejected"]


def test_documents_are_found_by_words_terms_and_filters(
    notes_index: Path, tiny_model: Path
) -> None:
    with connect(notes_index) as engine:
        search = Search(engine, load(tiny_model))
        assert engine.count() == 4
        assert engine.statistics().documents_with_terms == 4
        assert engine.get(["n1"])["n1"] == {k: v for k, v in NOTES[0].items() if k != "_id"}
        assert search.search("wing", mode="lexical").total == 2
        assert search.search("wing", mode="latent").hits[0].id in {"n2", "n3"}
        french = (AnyOf("lang", ("fr",)), Range("year", gte=2010))
        assert [hit.id for hit in search.search("wing", filters=french).hits] == ["n3"]


def test_a_second_run_skips_what_is_there_and_adds_what_changed(
    notes: Path, notes_index: Path, run: Run
) -> None:
    assert counts(run("index", notes, "--into", notes_index, "--json").stdout) == (0, 4, 0)
    changed = [*NOTES[:3], {**NOTES[3], "title": "dogs"}, {"_id": "n5", "text": "a cat"}]
    write_lines(notes, changed)
    assert counts(run("index", notes, "--into", notes_index, "--json").stdout) == (2, 3, 0)
    with connect(notes_index) as engine:
        assert engine.count() == 5
        assert engine.get(["n4"])["n4"]["title"] == "dogs"


def test_the_report_is_for_people_unless_json_is_asked_for(
    notes: Path, tmp_path: Path, run: Run
) -> None:
    result = run("index", notes, "--into", tmp_path / "index", "--no-latent")
    assert result.stdout.splitlines()[0].split() == ["indexed", "4"]
    assert "documents/s" in result.stdout


def test_what_cannot_be_indexed_goes_to_a_file_with_the_reason_and_the_rest_is_indexed(
    tmp_path: Path, run: Run
) -> None:
    bad = [
        {"_id": "b1", "text": ["a", 7]},
        {"_id": "b2", "text": "a", "year": "soon"},
        {"text": "no id"},
        {"_id": "x" * 600, "text": "long id"},
    ]
    source = write_lines(tmp_path / "mixed.jsonl", [NOTES[0], *bad, NOTES[1]])
    source.write_text(source.read_text() + '{"_id": "cut off\n')
    into, rejected = tmp_path / "index", tmp_path / "index.rejected.jsonl"
    options = ("--no-latent", "--number-fields", "year")

    result = run("index", source, "--into", into, *options, "--json", code=1)

    assert counts(result.stdout) == (2, 0, 5)
    letters = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert f"{rejected} holds them" in result.stderr
    assert [letter["where"].removeprefix(f"{source}, ") for letter in letters] == [
        f"line {n}" for n in (2, 3, 4, 5, 7)
    ]
    assert letters[0]["document"] == bad[0]
    assert "text: 7 is not a string" in letters[0]["reason"]
    assert "year: 'soon' is not a number" in letters[1]["reason"]
    assert "--id-field" in letters[2]["reason"]
    assert "id: the id has 600 bytes" in letters[3]["reason"]
    assert "not JSON" in letters[4]["reason"]

    write_lines(source, NOTES)
    assert counts(run("index", source, "--into", into, *options, "--json").stdout) == (2, 2, 0)
    assert not rejected.exists()


def test_lone_surrogates_in_a_document_do_not_stop_the_others(
    tmp_path: Path, tiny_model: Path, run: Run
) -> None:
    source = write_lines(tmp_path / "odd.jsonl", [{"_id": "s", "text": "cat \ud800 mat"}, NOTES[1]])
    into = tmp_path / "index"
    assert counts(run("index", source, "--into", into, "--model", tiny_model, "--json").stdout) == (
        2,
        0,
        0,
    )
    assert "cat \N{REPLACEMENT CHARACTER} mat" in run("search", into, "cat").stdout


def test_csv_numbers_can_be_filtered(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "books.csv"
    source.write_text("isbn,blurb,year\n1,sea voyage,1899\n2,sea farming,1950\n")
    into = tmp_path / "books"
    options = ("--id-field", "isbn", "--text-fields", "blurb", "--number-fields", "year")
    run("index", source, "--into", into, "--no-latent", *options)
    found = json.loads(run("search", into, "sea", "--filter", "year>=1900", "--json").stdout)
    assert [hit["id"] for hit in found["hits"]] == ["2"]


def test_a_folder_of_notes_is_indexed_by_path(tmp_path: Path, run: Run) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "wings.md").write_text("# Wings\n\nA wing turns air down.")
    run("index", tmp_path / "docs", "--into", tmp_path / "index", "--no-latent")
    (hit,) = json.loads(run("search", tmp_path / "index", "air", "--json").stdout)["hits"]
    assert (hit["id"], hit["source"]["title"]) == ("docs/wings.md", "Wings")


def test_json_lines_come_from_standard_input(tmp_path: Path, run: Run) -> None:
    lines = '{"_id": 1, "text": "one"}\n{"_id": 2, "text": "two"}\n'
    result = run("index", "-", "--into", tmp_path / "i", "--no-latent", "--json", input=lines)
    assert counts(result.stdout) == (2, 0, 0)


def test_text_under_another_name_is_noticed_before_an_index_is_made(
    tmp_path: Path, run: Run
) -> None:
    source = write_lines(tmp_path / "a.jsonl", [{"_id": "1", "headline": "h", "body": "b"}])
    result = run("index", source, "--into", tmp_path / "index", "--no-latent", code=1)
    assert "the fields are headline, body, not title or text" in result.stderr
    assert "--text-fields" in result.stderr
    assert not (tmp_path / "index").exists()


def test_an_index_keeps_its_schema_and_says_what_differs(
    notes: Path, notes_index: Path, run: Run
) -> None:
    result = run("index", notes, "--into", notes_index, "--analyzer", "english", code=1)
    assert "analyzer is 'standard' there" in result.stderr
    result = run("index", notes, "--into", notes_index, "--no-latent", code=1)
    assert "fingerprint" in result.stderr


def test_the_index_remembers_its_model_and_refuses_another(
    notes: Path,
    notes_index: Path,
    tiny_model: Path,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ..unit.latent_terms.model_folder import build

    build(tmp_path / "other", document_scale=3.0)
    result = run("index", notes, "--into", notes_index, "--model", tmp_path / "other", code=1)
    assert "the index holds terms of model" in result.stderr
    result = run("search", notes_index, "wing", "--model", tmp_path / "other", code=1)
    assert "load the model of the index" in result.stderr

    monkeypatch.chdir(tiny_model.parent)
    into = tmp_path / "relative"
    run("index", notes, "--into", into, "--model", "tiny")
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("search", into, "wing", "--json").stdout)["total"] >= 2


def test_schema_options_reach_the_index(notes: Path, tmp_path: Path, run: Run) -> None:
    options = ["--text-fields", "text, title", "--keyword-fields", "lang", "--analyzer", "english"]
    run("index", notes, "--into", tmp_path / "index", "--no-latent", *options, "--fields", "text")
    with connect(tmp_path / "index") as engine:
        assert engine.describe() == Schema(
            text=("text", "title"), keyword=("lang",), analyzer="english"
        )
        assert engine.get(["n1"])["n1"] == {"text": "the cat sat on the mat"}


def test_the_file_of_what_was_rejected_is_corrected_and_indexed_like_any_other(
    tmp_path: Path, run: Run
) -> None:
    books = tmp_path / "books.csv"
    books.write_text("isbn,blurb,year\n1,sea voyage,1899\n2,sea farming,soon\n3,sea,never\n")
    into, rejected = tmp_path / "books", tmp_path / "books.rejected.jsonl"
    options = ("--id-field", "isbn", "--text-fields", "blurb", "--number-fields", "year")
    run("index", books, "--into", into, "--no-latent", *options, code=1)
    again = ("index", rejected, "--into", into, "--id-field", "isbn", "--json")

    assert counts(run(*again, code=1).stdout) == (0, 0, 2)
    rejected.write_text(rejected.read_text().replace("soon", "1950"))
    assert counts(run(*again, code=1).stdout) == (1, 0, 1)
    (letter,) = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert letter["document"] == {"isbn": "3", "blurb": "sea", "year": "never"}
    assert letter["where"] == f"{rejected}, line 2"
    rejected.write_text(rejected.read_text().replace("never", "1950"))
    assert counts(run(*again).stdout) == (1, 0, 0)
    assert not rejected.exists()
    with connect(into) as engine:
        assert engine.count() == 3


def test_what_was_rejected_is_kept_when_trying_it_again_is_interrupted(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_lines(tmp_path / "a.jsonl", [{"_id": "1", "text": 7}, {"_id": "2", "text": 8}])
    into, rejected = tmp_path / "index", tmp_path / "index.rejected.jsonl"
    run("index", source, "--into", into, "--no-latent", code=1)
    before = rejected.read_text()

    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("adapters.indexing.IndexRun._add", interrupted)
    rejected.write_text(before.replace('"text": 8', '"text": "eight"'))
    run("index", rejected, "--into", into, code=130)
    letters = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [letter["document"]["_id"] for letter in letters] == ["1", "2"]
