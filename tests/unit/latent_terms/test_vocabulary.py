from __future__ import annotations

import math
from pathlib import Path

import pytest

from latent_terms.vocabulary import Latent, Vocabulary

LATENTS = [
    Latent(900, ("the", "Cat"), "broad"),
    Latent(3, ("cat", "cats"), "narrow"),
    Latent(0, (), "dead"),
    Latent(10, ("concatenate",), "lexical"),
    Latent(10, ("dog", "wolf", "cat"), "narrow"),
    Latent(10, ("\u2028line", "猫"), "lexical"),
]


def vocabulary() -> Vocabulary:
    return Vocabulary(LATENTS, documents=1000)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    vocabulary().write(tmp_path / "vocabulary.jsonl")
    read = Vocabulary.read(tmp_path / "vocabulary.jsonl")
    assert list(read) == LATENTS
    assert read.documents == 1000
    assert len(read) == 6 and read[4] == LATENTS[4]


def test_idf_is_lucenes() -> None:
    idf = vocabulary().idf
    assert idf[1] == pytest.approx(math.log(1 + (1000 - 3 + 0.5) / (3 + 0.5)))
    assert idf[2] == max(idf)
    assert min(idf) == idf[0] > 0
