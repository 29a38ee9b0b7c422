from __future__ import annotations

import doctest
import tomllib
from pathlib import Path

import latent_terms
from latent_terms import reading, terms, testing
from latent_terms.testing import hash_encoder


def test_the_hash_encoder_counts_words() -> None:
    once, thrice, other = hash_encoder().encode_documents(["cat", "Cat, cat! CAT.", "dog"])
    assert list(once.values()) == [2, 1, 1, 1]  # sqrt(4), sqrt(1)
    assert list(thrice.values()) == [3, 2, 2, 2]  # sqrt(12), sqrt(3), rounded
    assert list(once) == list(thrice)
    assert not once.keys() & other.keys()


def test_the_hash_encoder_is_the_same_on_every_machine() -> None:
    spelled = hash_encoder().encode_query("cat").spell_frequencies()
    assert spelled == "t936|2 t1795|1 t2874|1 t3953|1"


def test_its_vectors_are_alike_for_alike_texts() -> None:
    cat, cats, dog = hash_encoder().embed_documents(["the cat sat", "the cat", "dogs bark"])
    assert cat @ cats > cat @ dog


def test_examples_in_the_docstrings_hold() -> None:
    for module in (reading, terms, testing):
        results = doctest.testmod(module)
        assert results.attempted and not results.failed


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert latent_terms.__version__ == project["project"]["version"]
