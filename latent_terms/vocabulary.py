"""What is known of each latent: how common it is, what it stands for, of what kind it is.

``vocabulary.jsonl`` starts with ``{"documents": N}``; then line i describes latent i as
``{"df": 12, "label": ["cat", "cats"], "family": "narrow"}``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latent_terms.errors import ModelFolderError

Family = Literal["lexical", "narrow", "broad", "dead"]
FAMILIES: tuple[Family, ...] = get_args(Family)


@dataclass(frozen=True, slots=True)
class Latent:
    """One latent on the training text.

    ``df``: in how many passages it is active. ``label``: its strongest words, strongest first.
    ``family``: one surface form, one concept, a topic, or never active.
    """

    df: int
    label: tuple[str, ...]
    family: Family


class Vocabulary:
    """The latents of a model by number, and ``idf`` (n_latents,) on the training text."""

    def __init__(self, latents: Iterable[Latent], *, documents: int) -> None:
        self._latents = tuple(latents)
        self.documents = documents
        df = np.array([latent.df for latent in self._latents], np.float64)
        # As Lucene's BM25Similarity writes it: never negative.
        self.idf: NDArray[np.float64] = np.log1p((documents - df + 0.5) / (df + 0.5))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read ``vocabulary.jsonl``; ModelFolderError names the line that is wrong."""
        lines = Path(path).read_bytes().splitlines()
        rows: list[Latent] = []  # so far, for the message
        try:
            documents = _count(json.loads(lines[0])["documents"])
            rows.extend(_latent(json.loads(line), documents) for line in lines[1:])
        except (ValueError, KeyError, IndexError, TypeError) as exc:
            raise ModelFolderError(
                f"{os.fspath(path)} is not a vocabulary, near line {len(rows) + 2} ({exc!r}): "
                "build the model folder again"
            ) from exc
        return cls(rows, documents=documents)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write ``vocabulary.jsonl``."""
        rows = [{"documents": self.documents}, *(asdict(latent) for latent in self._latents)]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        Path(path).write_text(text, encoding="utf-8")

    def __len__(self) -> int:
        return len(self._latents)

    def __getitem__(self, latent: int) -> Latent:
        return self._latents[latent]

    def __iter__(self) -> Iterator[Latent]:
        return iter(self._latents)


def _latent(row: dict[str, Any], documents: int) -> Latent:
    df, label, family = _count(row["df"]), row["label"], row["family"]
    if df > documents:
        raise ValueError(f"df is {df}, above the {documents} documents")
    if family not in FAMILIES:
        raise ValueError(f"family is {family!r}, not one of {FAMILIES}")
    if not isinstance(label, list) or not all(isinstance(word, str) for word in label):
        raise ValueError(f"label is {label!r}, not a list of words")
    return Latent(df, tuple(label), family)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a number of documents")
    return value
