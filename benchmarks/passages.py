"""Texts to fill an index with: passages out of plain text or JSONL."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

WORDS = 55  # about what a passage of MS MARCO has
SHORTEST = 40  # what is left of a line is a passage from here on


def passages(path: Path) -> Iterator[str]:
    """Each line of plain text cut into passages; of JSONL (.jsonl, .jsonl.gz) its "text" whole."""
    opened = gzip.open if path.suffix == ".gz" else open
    is_json = ".jsonl" in path.suffixes
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            if is_json:
                yield json.loads(line)["text"]
            else:
                yield from _cut(line.split())


def _cut(words: list[str]) -> Iterator[str]:
    for start in range(0, len(words), WORDS):
        part = words[start : start + WORDS]
        if len(part) >= SHORTEST:
            yield " ".join(part)
