"""Words as the two analysers cut them."""

from __future__ import annotations

import pytest

from adapters.embedded.mapping import build_analyzer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone.",
            "the 2 quick brown foxes jumped over the lazy dog's bone",
        ),
        ("3.14 10,000 1.2.3.4 v1.2 1e5 2024-05-31", "3.14 10,000 1.2.3.4 v1.2 1e5 2024 05 31"),
        ("U.S.A. can’t 'quoted' rock'n'roll a. .b", "u.s.a can’t quoted rock'n'roll a b"),
        ("foo_bar __init__ f(x)=y^2 C++ #tag @me", "foo_bar __init__ f x y 2 c tag me"),
        ("_ __ a_ _b ___9", "a_ _b ___9"),
        ("me@example.org http://a.b/c?d=e", "me example.org http a.b c d e"),
        ("ÉTÉ e\u0301te\u0301 Straße ǅ", "été e\u0301te\u0301 straße ǆ"),
        ("東京タワー ひら カタカナabc", "東 京 タワー ひ ら カタカナ abc"),
        ("한국어 말 नमस्ते สวัสดี مرحبا", "한국어 말 नमस्ते สวัสดี مرحبا"),
        ("a\u200bb 👍ok 👍👍", "a b 👍 ok 👍 👍"),
        ("--- ?! \n\t", ""),
        ("x" * 1_001 + " y", "y"),
    ],
)
def test_standard_words(text: str, words: str) -> None:
    assert build_analyzer("standard").analyze(text) == words.split()


def test_english_words_are_stems_without_stop_words() -> None:
    text = "The foxes were jumping over all of the lazy dog's generous ponies"
    words = build_analyzer("english").analyze(text)
    assert words == ["fox", "were", "jump", "over", "all", "lazi", "dog", "generous", "poni"]
