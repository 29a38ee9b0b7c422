"""Latent terms and vectors of many texts, read once and kept on disk.

A text is read once for both. Each file holds a thousand texts and is named by their hash and the
model's fingerprint, so that a run that was stopped goes on, and nothing stale is ever used:

    python benchmarks/encoded.py --work work --collection scifact --passages text.txt.gz \\
        --documents 200000
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from passages import passages
from rich.console import Console
from rich.progress import track

from latent_terms import TermEncoder, load
from latent_terms.evaluation import Collection
from latent_terms.pipeline import run_windows
from latent_terms.reading import Reading, clean
from latent_terms.windows import read_windows

TEXTS = 1000  # in a file


@dataclass(frozen=True)
class Encoded:
    """Of the texts in order: terms of text i are `latents[starts[i]:starts[i + 1]]`, heaviest
    first."""

    starts: NDArray[np.int64]  # (texts + 1,)
    latents: NDArray[np.uint16]
    frequencies: NDArray[np.uint16]
    vectors: NDArray[np.float16]  # (texts, dimensions), of length 1

    def __len__(self) -> int:
        return len(self.vectors)

    def terms(self, text: int) -> dict[str, int]:
        part = slice(self.starts[text], self.starts[text + 1])
        return {
            f"t{latent}": n
            for latent, n in zip(
                self.latents[part].tolist(), self.frequencies[part].tolist(), strict=True
            )
        }


def documents(collection: Path, fillers: Path, n: int) -> Iterator[tuple[str, str]]:
    """Id and text of the whole collection and, behind it, of passages, `n` in all."""
    own = ((document.id, document.text) for document in Collection.read(collection).documents())
    others = ((f"filler-{i}", text) for i, text in enumerate(passages(fillers)))
    return islice(chain(own, others), n)


def encode(encoder: TermEncoder, texts: Sequence[str], folder: Path) -> Encoded:
    """Reads only texts whose file `folder` lacks; numbers of latents are below 65,536."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, len(texts), TEXTS)
    files = [
        _file(encoder, texts[start : start + TEXTS], folder)
        for start in track(starts, f"Encoding {len(texts):,} texts", console=Console(stderr=True))
    ]
    return _joined([_load(file) for file in files])


def _file(encoder: TermEncoder, texts: Sequence[str], folder: Path) -> Path:
    content = "\0".join((encoder.fingerprint, *texts))
    path = folder / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.npz"
    if not path.is_file():
        encoded = _encode(encoder, texts)
        half = path.with_suffix(".part")
        with half.open("wb") as file:
            np.savez(file, **vars(encoded))
        half.replace(path)
    return path


def _load(path: Path) -> Encoded:
    with np.load(path) as arrays:
        return Encoded(**arrays)


def _joined(parts: Sequence[Encoded]) -> Encoded:
    counts = [np.diff(part.starts) for part in parts]
    return Encoded(
        starts=np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
        latents=np.concatenate([part.latents for part in parts]),
        frequencies=np.concatenate([part.frequencies for part in parts]),
        vectors=np.concatenate([part.vectors for part in parts]),
    )


def _encode(encoder: TermEncoder, texts: Sequence[str]) -> Encoded:
    terms, vectors, long = [], [], []
    for i, readings in enumerate(_read(encoder, texts)):
        terms.append(encoder.documents.terms([r.sums for r in readings if r.sums is not None]))
        vectors.append(readings[0].pooled if readings else np.zeros(_dimensions(encoder)))
        if len(readings) > 1:
            long.append(i)
    for i, vector in zip(long, encoder.embed_documents([texts[i] for i in long]), strict=True):
        vectors[i] = vector  # of the text's beginning, not of its first, shorter window
    return Encoded(
        starts=np.cumsum([0, *(len(found) for found in terms)]),
        latents=_flat(found.latents for found in terms),
        frequencies=_flat(found.values() for found in terms),
        vectors=np.stack(vectors).astype(np.float16),
    )


def _read(encoder: TermEncoder, texts: Sequence[str]) -> Iterator[list[Reading]]:
    """Of each text in order the readings of all its windows."""
    reader = encoder.documents
    windows = read_windows(map(clean, texts), reader.tokenize, reader.room, lead=reader.frame.lead)
    run = partial(reader.run, terms=True, pooled=True)
    readings: list[Reading] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for window, reading in run_windows(windows, reader.frame, run, pool):
            if reading is not None:
                readings.append(reading)
            if window.ends_text:
                yield readings
                readings = []


def _flat(numbers: Iterable[Iterable[int]]) -> NDArray[np.uint16]:
    return np.fromiter(chain.from_iterable(numbers), np.uint16)


def _dimensions(encoder: TermEncoder) -> int:
    return encoder.manifest.backbone.dimensions


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", required=True, type=Path, help="folder for encoded texts")
    parser.add_argument("--collection", required=True, type=Path, help="a folder in BEIR layout")
    parser.add_argument("--passages", required=True, type=Path, help="text or JSONL, plain or .gz")
    parser.add_argument("--model", default="minilm-en", help="name or folder [%(default)s]")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_options(parser)
    parser.add_argument("--documents", type=int, default=200_000, help="[%(default)s]")
    options = parser.parse_args()
    texts = [text for _, text in documents(options.collection, options.passages, options.documents)]
    encoded = encode(load(options.model), texts, options.work)
    print(f"{len(encoded):,} texts, {len(encoded.latents) / len(encoded):.1f} terms each")


if __name__ == "__main__":
    main()
