"""`latent-terms encode`: texts in, latent terms out."""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import click

from latent_terms.commands.files import JSONL, kind, opened, shown, total_size
from latent_terms.commands.models import load_model, model_option
from latent_terms.commands.options import Names, fields_option
from latent_terms.commands.output import json_option, print_json, progress


class Text(NamedTuple):
    id: Any
    text: str
    position: int


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, allow_dash=True), default="-")
@click.option("--query", is_flag=True, help="Encode as queries: most important terms first.")
@fields_option("--fields", "Fields of a JSONL file that make up the text.", default="title,text")
@click.option("--frequencies", is_flag=True, help='Print "t17|3" in place of "t17 t17 t17".')
@model_option
@json_option
def command(
    file: Path, query: bool, fields: Names, frequencies: bool, model: str, as_json: bool
) -> None:
    """Turn texts into latent terms.

    FILE holds one text a line (without FILE: standard input) or, if it is named .jsonl or
    .jsonl.gz, one JSON object a line. What comes out are words for any engine with a whitespace
    analyser; a term that counts three times stands there three times. Line by line: an empty text
    gives an empty line.

    \b
    Examples:
      echo "why is the sky blue" | latent-terms encode --query
      latent-terms encode notes.txt --frequencies
      latent-terms encode corpus.jsonl.gz --json > terms.jsonl
    """
    encoder = load_model(model)
    encode = encoder.encode_queries if query else encoder.encode_documents
    bar = progress("encode", total=total_size([file]), hidden=sys.stdout.isatty())
    with opened(file) as (stream, position), bar as update:
        waiting: deque[Text] = deque()

        def texts() -> Iterator[str]:
            for text in _read(file, stream, fields):
                waiting.append(Text(*text, position()))
                yield text[1]

        for done, terms in enumerate(encode(texts()), start=1):
            text = waiting.popleft()
            if as_json:
                print_json({"id": text.id, "terms": dict(terms)})
            else:
                click.echo(terms.spell_frequencies() if frequencies else terms.spell())
            update(text.position, f"{done:,} texts")


def _read(file: Path, stream: IO[bytes], fields: Names) -> Iterator[tuple[Any, str]]:
    """Id and text of each line; the id is the line number, from 1, where the line has none."""
    is_json = kind(file) in JSONL
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode("utf-8-sig").rstrip("\r\n")
            value = json.loads(text) if is_json else {}
            if not isinstance(value, dict):
                raise ValueError("not a JSON object")
        except ValueError as exc:
            raise click.ClickException(
                f"{shown(file)}, line {number}: {exc}. Correct the line or leave it out."
            ) from exc
        if is_json:
            text = "\n".join(value[field] for field in fields if isinstance(value.get(field), str))
        yield value.get("_id", value.get("id", number)), text
