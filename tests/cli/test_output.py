"""Tables and lines for a terminal."""

from __future__ import annotations

import pytest

from latent_terms.commands.output import one_line, print_table


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_table_is_as_wide_as_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("id", ("n", "right"), "text"), [("a", "7", "word " * 20), ("bcd", "1,000", "x")])
    assert printed(capsys) == [
        "id       n  text",
        "a        7  word word word word word wo…",
        "bcd  1,000  x",
    ]


def test_long_cells_leave_room_for_the_last_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table(("id", "more", "text"), [("i" * 90, "m" * 90, "t" * 90)])
    row = printed(capsys)[1]
    assert len(row) == 40
    assert [len(cell) for cell in row.split("  ")] == [12, 12, 12]


def test_a_terminal_that_is_too_narrow_still_gets_its_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "3")
    print_table(("id", "more", "text"), [("i" * 9, "m" * 9, "t" * 9)])
    assert printed(capsys)[1] == "iii…  mmm…  ttt…"


def test_wide_characters_keep_columns_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "text"), [("猫と犬", "x"), ("cats", "y")])
    head, cats, dogs = printed(capsys)
    assert head.index("text") == 8
    assert cats == "猫と犬  x"
    assert dogs == "cats    y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" a\n\tb  c ", "a b c"),
        (
            "bell \x07, escape \x1b[2J",
            "bell \N{REPLACEMENT CHARACTER}, escape \N{REPLACEMENT CHARACTER}[2J",
        ),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("", ""),
    ],
)
def test_one_line_has_no_breaks_and_no_control_characters(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_long_line_is_cut() -> None:
    assert one_line("word " * 1000, limit=10) == "word word…"
