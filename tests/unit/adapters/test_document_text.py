"""The text of a document: which strings, in which order, and what is no text."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.document_text import document_text


@pytest.mark.parametrize(
    ("fields", "source", "text", "not_text"),
    [
        (["a", "b"], {"b": "two", "a": "one"}, "one\ntwo", ()),
        (["a"], {"a": ["one", None, "two"]}, "one\ntwo", ()),
        (["a"], {"a": [["one"], [["two"]]]}, "one\ntwo", ()),
        (["a"], {}, "", ()),
        (["a"], {"a": None}, "", ()),
        (["a"], {"a": []}, "", ()),
        (["a"], {"a": ""}, "", ()),
        (["a", "b"], {"a": 7, "b": "two"}, "two", ("a",)),
        (["a"], {"a": ["one", True]}, "one", ("a",)),
        (["a"], {"a": {"b": "inner"}}, "", ("a",)),
        (["a.b"], {"a": {"b": "inner"}}, "inner", ()),
        (
            ["a.b"],
            {"a": [{"b": "one"}, {"c": "no"}, {"b": ["two", "three"]}]},
            "one\ntwo\nthree",
            (),
        ),
        (["a.b"], {"a.b": "dotted"}, "dotted", ()),
        (["a.b.c"], {"a.b": {"c": "x"}, "a": {"b.c": "y"}}, "y\nx", ()),
        (["a.b"], {"a": "no object"}, "", ()),
    ],
)
def test_text_of(fields: list[str], source: Any, text: str, not_text: tuple[str, ...]) -> None:
    found = document_text(fields, source)
    assert (found.text, found.not_text) == (text, not_text)
