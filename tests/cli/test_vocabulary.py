"""`vocabulary` and `info`, over a model whose latent i has df 30 i and two labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from latent_terms.zipf import Curve, draw

from .conftest import Run


def entries(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_list_is_sorted_as_asked(tiny_model: Path, run: Run) -> None:
    def listed(*options: object) -> list[str]:
        shown = run("vocabulary", "list", "--model", tiny_model, "--json", *options).stdout
        return [entry["term"] for entry in entries(shown)]

    assert listed("--limit", 3) == ["t31", "t30", "t29"]
    assert listed("--limit", 2, "--sort", "rarity") == ["t0", "t1"]
    assert listed("--limit", 100, "--sort", "term") == [f"t{n}" for n in range(32)]
    assert listed("--family", "dead") == []


def test_an_entry_tells_frequency_family_and_label(tiny_model: Path, run: Run) -> None:
    shown = run("vocabulary", "search", "t3", "--model", tiny_model, "--json").stdout
    assert entries(shown) == [
        {"term": "t3", "df": 90, "share": 0.09, "family": "narrow", "label": ["cats", "dog"]}
    ]


def test_search_finds_labels_by_the_beginning_of_a_word_the_strongest_first(
    tiny_model: Path, run: Run
) -> None:
    shown = run("vocabulary", "search", "Cats", "--model", tiny_model, "--json").stdout
    found = [(entry["label"].index("cats"), entry["df"]) for entry in entries(shown)]
    assert found == [(0, 810), (0, 450), (0, 90), (1, 780), (1, 420), (1, 60)]
    table = run("vocabulary", "search", "cat", "--model", tiny_model, "--limit", 1)
    assert table.stdout.splitlines()[1] == "t27   810      81 %  narrow  cats, dog"
    assert "9 latents in all" in table.stderr


def test_a_word_that_no_label_has_is_said(tiny_model: Path, run: Run) -> None:
    result = run("vocabulary", "search", "volcano", "--model", tiny_model)
    assert (result.stdout, result.stderr) == ("", "There is no such latent.\n")


def test_the_fit_finds_the_exponent_of_a_curve_that_has_one() -> None:
    curve = Curve.of([0, 0, *(round(1e9 / rank**1.1) for rank in range(1, 2001))])
    assert len(curve.frequencies) == 2000
    fit = curve.fit()
    assert fit.exponent == pytest.approx(1.1, abs=0.001)
    assert fit.r2 > 0.9999
    assert fit.at(10) == pytest.approx(1e9 / 10**1.1, rel=0.01)


def test_points_are_on_the_curve_from_the_first_rank_to_the_last() -> None:
    curve = Curve.of(range(1, 1001))
    points = list(curve.points(50))
    assert points[0] == (1, 1000)
    assert points[-1] == (1000, 1)
    assert all(df == 1001 - rank for rank, df in points)
    ratios = [b[0] / a[0] for a, b in zip(points[25:], points[26:], strict=False)]
    assert max(ratios) / min(ratios) < 1.1


def test_a_power_law_is_drawn_as_a_straight_line() -> None:
    curve = Curve.of([round(1e6 / rank) for rank in range(1, 10_001)])
    rows = draw(curve, width=41, height=7)  # four decades of rank, six of df
    ends = [row.rindex("●") - row.index("│") for row in rows[1:4]]
    assert [after - before for before, after in zip(ends, ends[1:], strict=False)] == [10, 10]


@pytest.mark.parametrize("frequencies", [[1, 1, 1], [5, 5, 5, 5]])
def test_a_flat_curve_can_be_drawn(frequencies: list[int]) -> None:
    assert "●" in "".join(draw(Curve.of(frequencies)))


def test_plot_draws_in_the_terminal_or_writes_a_page(
    tiny_model: Path, tmp_path: Path, run: Run
) -> None:
    shown = run("vocabulary", "plot", "--model", tiny_model).stdout
    assert "●" in shown
    assert "31 live latents of 32" in shown
    assert "32 narrow" in shown
    html = tmp_path / "zipf.html"
    result = run("vocabulary", "plot", "--model", tiny_model, "--html", html)
    assert result.stdout == ""
    text = html.read_text(encoding="utf-8")
    svg = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    measured = svg.findall("polyline")[1].attrib["points"].split()
    assert len(measured) == 31
    found = json.loads(run("vocabulary", "plot", "--model", tiny_model, "--json").stdout)
    assert (found["live"], found["families"]["narrow"], found["points"][0]) == (31, 32, [1, 930])


def test_info_tells_a_model_from_an_index(
    tiny_model: Path, notes_index: Path, tmp_path: Path, run: Run
) -> None:
    model = json.loads(run("info", tiny_model, "--json").stdout)
    assert (model["model"], model["latents"], model["families"]) == ("tiny", 32, {"narrow": 32})
    index = json.loads(run("info", notes_index, "--json").stdout)
    assert (index["documents"], index["documents_with_latent_terms"]) == (4, 4)
    assert index["fingerprint"] == model["fingerprint"]
    assert index["text_fields"] == ["title", "text"]
    assert "number fields                year" in run("info", notes_index).stdout
    assert "nowhere" in run("info", tmp_path / "nowhere", code=1).stderr
    (tmp_path / "empty").mkdir()
    assert "no index" in run("info", tmp_path / "empty", code=1).stderr
