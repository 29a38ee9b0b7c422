"""`search` and `explain`: hits, shares, filters and reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run


def found(output: str) -> list[str]:
    return [hit["id"] for hit in json.loads(output)["hits"]]


def test_json_holds_hits_with_both_parts_of_the_score(notes_index: Path, run: Run) -> None:
    answer = json.loads(run("search", notes_index, "wing lift", "--json").stdout)
    assert answer["query"] == "wing lift"
    assert answer["total"] >= len(answer["hits"]) >= 2
    best = answer["hits"][0]
    assert best["id"] == "n2"
    assert best["source"]["title"] == "wing"
    assert best["lexical"] > 0
    assert best["latent"] > 0
    assert best["score"] == pytest.approx(best["lexical"] + best["latent"], rel=1e-5)


def test_the_table_shows_rank_shares_id_and_text(notes_index: Path, run: Run) -> None:
    result = run("search", notes_index, "wing lift", "--size", "1")
    head, row = result.stdout.splitlines()
    assert head.split() == ["score", "words", "latent", "id", "document"]
    assert row.split()[0] == "1"
    assert row.endswith("n2  wing — a wing has lift and drag")
    shares = [int(part) for part in row.replace("%", "").split()[2:4]]
    assert sum(shares) in {99, 100, 101}
    assert "documents match" in result.stderr


def test_nothing_found_is_said_and_is_no_failure(notes_index: Path, run: Run) -> None:
    result = run("search", notes_index, "volcano", "--mode", "lexical")
    assert result.stdout == ""
    assert result.stderr.startswith("0 documents match")


def test_a_mode_uses_its_part_alone(notes_index: Path, run: Run) -> None:
    for mode, other in (("lexical", "latent"), ("latent", "lexical")):
        answer = json.loads(run("search", notes_index, "wing", "--mode", mode, "--json").stdout)
        assert answer["hits"][0]["score"] == answer["hits"][0][mode] > 0
        assert answer["hits"][0][other] == 0


def test_weights_change_what_a_part_counts(notes_index: Path, run: Run) -> None:
    options = ("--lexical-weight", "2", "--latent-weight", "0.5", "--json")
    (best, *_) = json.loads(run("search", notes_index, "wing", *options).stdout)["hits"]
    assert best["score"] == pytest.approx(2 * best["lexical"] + 0.5 * best["latent"], rel=1e-5)


def test_a_lexical_search_loads_no_model(
    notes: Path, tiny_model: Path, tmp_path: Path, run: Run
) -> None:
    model = tmp_path / "moved"
    model.symlink_to(tiny_model)
    run("index", notes, "--into", tmp_path / "index", "--model", model)
    model.unlink()
    without_model = run("search", tmp_path / "index", "wing", code=1)
    assert str(model) in without_model.stderr
    assert "--mode lexical" in without_model.stderr
    options = ("--mode", "lexical", "--json")
    assert set(found(run("search", tmp_path / "index", "wing", *options).stdout)) == {"n2", "n3"}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["lang=en"], {"n1", "n2"}),
        (["lang=en", "lang=de"], {"n1", "n2", "n4"}),
        (["year>=2003", "year<2011"], {"n2"}),
        (["year>2003"], {"n3", "n4"}),
        (["year<=1999"], {"n1"}),
        (["year=2011"], {"n3", "n4"}),
        (["year=2011", "lang=fr"], {"n3"}),
        ([" lang = fr "], {"n3"}),
        (["_id=n4"], {"n4"}),
        (["lang=es"], set()),
    ],
)
def test_filters(notes_index: Path, run: Run, filters: list[str], ids: set[str]) -> None:
    options: list[str] = []
    for text in filters:
        options += ["--filter", text]
    everything = "the cat wing drag dog"
    result = run("search", notes_index, everything, "--mode", "lexical", *options, "--json")
    assert set(found(result.stdout)) == ids


@pytest.mark.parametrize(
    ("text", "sentence", "code"),
    [
        ("lang", "write FIELD=VALUE", 2),
        ("year>=soon", "'soon' is not a number", 2),
        ("colour=red", "colour", 1),
        ("lang>=en", "lang", 1),
    ],
)
def test_a_filter_that_cannot_work_says_why(
    notes_index: Path, run: Run, text: str, sentence: str, code: int
) -> None:
    result = run("search", notes_index, "wing", "--filter", text, "--mode", "lexical", code=code)
    assert sentence in result.stderr


def test_dates_filter_by_whole_days(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "news.csv"
    source.write_text("id,text,published\na,rain,2024-05-30\nb,rain,2024-05-31T10:00:00Z\n")
    options = ("--date-fields", "published", "--no-latent")
    run("index", source, "--into", tmp_path / "news", *options)
    day = ("--filter", "published=2024-05-31")
    assert found(run("search", tmp_path / "news", "rain", *day, "--json").stdout) == ["b"]


def test_pages_follow_each_other(notes_index: Path, run: Run) -> None:
    def page(size: int, offset: int) -> list[dict[str, Any]]:
        options = ("--mode", "lexical", "--size", size, "--offset", offset, "--json")
        hits: list[dict[str, Any]] = json.loads(
            run("search", notes_index, "the wing drag on", *options).stdout
        )["hits"]
        return hits

    assert page(2, 0) + page(2, 2) == page(4, 0)
    assert [hit["rank"] for hit in page(2, 2)] == [3, 4]


def test_what_documents_contain_cannot_steer_the_terminal(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "odd.csv"
    source.write_text("id,text\n1,\x1b[31mred\x07 [bold]alert[/bold]\n", encoding="utf-8")
    run("index", source, "--into", tmp_path / "index", "--no-latent")
    shown = run("search", tmp_path / "index", "alert").stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]alert[/bold]" in shown


def test_explain_names_terms_with_labels_and_shares_that_add_up(
    notes_index: Path, run: Run
) -> None:
    answer = json.loads(run("explain", notes_index, "wing lift", "n2", "--json").stdout)
    assert answer["id"] == "n2"
    matches = answer["matches"]
    assert sum(match["score"] for match in matches) == pytest.approx(answer["score"], rel=1e-4)
    assert sum(match["share"] for match in matches) == pytest.approx(1, rel=1e-4)
    assert [m["score"] for m in matches] == sorted((m["score"] for m in matches), reverse=True)
    words = {match["term"] for match in matches if match["kind"] == "word"}
    assert words == {"title:wing", "text:wing", "text:lift"}
    latent = [match for match in matches if match["kind"] == "narrow"]
    assert latent
    assert all(len(match["label"]) == 2 for match in latent)


def test_explain_shows_a_table(notes_index: Path, run: Run) -> None:
    shown = run("explain", notes_index, "wing lift", "n2").stdout.splitlines()
    assert shown[0].split() == ["share", "score", "term", "kind", "label"]
    assert shown[-1].startswith("Score ")


def test_explain_tells_no_match_from_no_document(notes_index: Path, run: Run) -> None:
    lexical = ("--mode", "lexical")
    none = run("explain", notes_index, "wing", "n1", *lexical)
    assert "Document 'n1' has no word" in none.stderr
    empty = json.loads(run("explain", notes_index, "wing", "n1", *lexical, "--json").stdout)
    assert (empty["score"], empty["matches"]) == (0, [])
    missing = run("explain", notes_index, "wing", "n9", *lexical, code=1)
    assert "There is no document 'n9'" in missing.stderr


@pytest.mark.parametrize("command", [("search", "wing"), ("explain", "wing", "n1")])
def test_a_path_without_an_index_ends_in_a_sentence(
    tmp_path: Path, run: Run, command: tuple[str, ...]
) -> None:
    verb, *arguments = command
    result = run(verb, tmp_path / "nowhere", *arguments, code=1)
    assert str(tmp_path / "nowhere") in result.stderr
    assert "Traceback" not in result.output
