"""The queries that a comparison asks: lines of a file, or a folder with judgements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from latent_terms.commands.files import STDIN, opened, shown


@dataclass(frozen=True)
class Queries:
    texts: Mapping[str, str]
    """By id; of lines the id is the line's number."""
    judgements: Mapping[str, Mapping[str, int]] | None = None
    """Query id -> document id -> relevance."""


def read_queries(path: Path, *, split: str) -> Queries:
    """Raises CollectionError, OSError, and click.ClickException for what is no text."""
    if path != STDIN and path.is_dir():
        from latent_terms.evaluation import Collection

        collection = Collection.read(path, split=split, corpus=False)
        return Queries(collection.queries, collection.qrels)
    with opened(path) as file:
        try:
            lines = file.stream.read().decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as exc:
            raise click.ClickException(
                f"{shown(path)} is not UTF-8 text ({exc}): give a file with a query a line"
            ) from exc
    texts = {str(number): line.strip() for number, line in enumerate(lines, start=1)}
    found = {number: text for number, text in texts.items() if text}
    if not found:
        raise click.ClickException(f"{shown(path)} holds no query: write one a line.")
    return Queries(found)
