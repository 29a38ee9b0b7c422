"""`encode`: one line of terms for each text."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from latent_terms import LatentTerms, load

from .conftest import NOTES, Run, write_lines

TEXTS = ["the cat sat on the mat", "", "wing lift wing", "   "]


def test_lines_of_terms_correspond_to_lines_of_text(
    tmp_path: Path, tiny_model: Path, run: Run
) -> None:
    source = tmp_path / "texts.txt"
    source.write_text("\n".join(TEXTS) + "\n")
    expected = list(load(tiny_model).encode_documents(TEXTS))
    plain = run("encode", source, "--model", tiny_model).stdout
    assert [LatentTerms.parse(line) for line in plain.split("\n")[:-1]] == expected
    assert plain.split("\n")[1] == ""
    counted = run("encode", source, "--frequencies", "--model", tiny_model).stdout
    assert counted.split("\n")[:-1] == [terms.spell_frequencies() for terms in expected]


def test_standard_input_is_read_and_queries_are_encoded_as_queries(
    tiny_model: Path, run: Run
) -> None:
    shown = run("encode", "--query", "--model", tiny_model, input="wing lift\r\n").stdout
    assert shown == load(tiny_model).encode_query("wing lift").spell() + "\n"


def test_json_keeps_ids_and_the_order_of_terms(tmp_path: Path, tiny_model: Path, run: Run) -> None:
    lines = write_lines(tmp_path / "notes.jsonl", NOTES).read_bytes()
    source = tmp_path / "notes.jsonl.gz"
    source.write_bytes(gzip.compress(lines))
    shown = run("encode", source, "--json", "--model", tiny_model).stdout.splitlines()
    texts = [f"{note['title']}\n{note['text']}" for note in NOTES]
    expected = load(tiny_model).encode_documents(texts)
    for line, note, terms in zip(shown, NOTES, expected, strict=True):
        found = json.loads(line)
        assert found["id"] == note["_id"]
        assert list(found["terms"].items()) == list(terms.items())


def test_lines_without_an_id_are_numbered(tiny_model: Path, run: Run) -> None:
    shown = run("encode", "--json", "--model", tiny_model, input="cat\ndog\n").stdout
    assert [json.loads(line)["id"] for line in shown.splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content"), [("t.txt", b"cat\n\xff\n"), ("t.jsonl", b'{"text": "cat"}\n{"text"\n')]
)
def test_a_line_that_cannot_be_read_is_named(
    tmp_path: Path, tiny_model: Path, run: Run, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("encode", tmp_path / name, "--model", tiny_model, code=1)
    assert f"{tmp_path / name}, line 2: " in result.stderr
