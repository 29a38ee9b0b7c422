from __future__ import annotations

import doctest
import subprocess
import sys

import numpy as np
import pytest

from rerank_service import local
from rerank_service import maxsim as maxsim_module
from rerank_service.maxsim import maxsim, maxsim_padded


def unit(rng: np.random.Generator, *shape: int) -> np.ndarray:
    vectors = rng.normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def by_hand(query: np.ndarray, document: np.ndarray) -> float:
    return sum(max(float(q @ d) for d in document) for q in query.astype(np.float64))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_score_is_the_sum_of_the_best_products(rng: np.random.Generator) -> None:
    query = unit(rng, 5, 16)
    documents = [unit(rng, n, 16) for n in (1, 7, 30)]
    expected = [by_hand(query, document) for document in documents]
    scores = maxsim(query, documents)
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected, atol=1e-5)


def test_padding_is_not_a_token_even_where_every_token_is_unlike_the_query() -> None:
    query = np.array([[1.0, 0.0]], np.float32)
    document = np.array([[-1.0, 0.0], [-0.6, 0.8]], np.float32)
    padded = np.zeros((1, 4, 2), np.float32)
    padded[0, :2] = document
    mask = np.array([[True, True, False, False]])
    assert maxsim(query, [document]).tolist() == pytest.approx([-0.6])
    assert maxsim_padded(query, padded, mask).tolist() == pytest.approx([-0.6])


def test_both_forms_agree(rng: np.random.Generator) -> None:
    query, lengths = unit(rng, 9, 32), [0, 1, 5, 12, 12, 0]
    documents = [unit(rng, n, 32) if n else np.zeros((0, 32), np.float32) for n in lengths]
    padded = np.full((len(lengths), 12, 32), 9.0, np.float32)  # padding that would win
    for row, document in enumerate(documents):
        padded[row, : len(document)] = document
    mask = np.arange(12) < np.array(lengths)[:, None]
    assert np.allclose(maxsim(query, documents), maxsim_padded(query, padded, mask), atol=1e-5)


def test_an_empty_document_has_the_lowest_score_there_is(rng: np.random.Generator) -> None:
    query = unit(rng, 4, 8)
    empty, opposite = np.zeros((0, 8), np.float32), -query[:1]
    scores = maxsim(query, [empty, opposite, query])
    assert scores[0] == -4.0 < scores[1] < scores[2] == pytest.approx(4.0)
    assert maxsim_padded(query, np.zeros((1, 0, 8), np.float32), np.zeros((1, 0), bool)) == -4.0


def test_an_empty_query_scores_nothing(rng: np.random.Generator) -> None:
    empty = np.zeros((0, 8), np.float32)
    assert maxsim(empty, [unit(rng, 3, 8), empty]).tolist() == [0.0, 0.0]
    assert maxsim_padded(empty, unit(rng, 1, 3, 8), np.ones((1, 3), bool)).tolist() == [0.0]


def test_no_documents_give_no_scores(rng: np.random.Generator) -> None:
    assert maxsim(unit(rng, 3, 8), []).shape == (0,)


def test_a_score_does_not_depend_on_the_documents_beside_it(rng: np.random.Generator) -> None:
    query, document = unit(rng, 16, 384), unit(rng, 130, 384)
    crowd = [unit(rng, n, 384) for n in range(1, 60)]
    assert maxsim(query, [document])[0] == maxsim(query, [*crowd, document, *crowd])[59]


def test_sums_are_made_in_float32() -> None:
    query = np.ones((100_000, 1), np.float32) * np.float32(0.1)
    score = maxsim(query, [np.ones((1, 1), np.float32)])[0]
    assert score.dtype == np.float32 and abs(float(score) - 10_000) < 1


def test_unequal_dimensions_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match="document 1 has shape"):
        maxsim(unit(rng, 2, 8), [unit(rng, 2, 8), unit(rng, 2, 9)])


def test_examples_in_the_docstrings_hold() -> None:
    for module in (maxsim_module, local):
        results = doctest.testmod(module)
        assert results.attempted and not results.failed


def test_it_needs_numpy_only() -> None:
    code = (
        "import sys, rerank_service.maxsim as m\n"
        "assert m.maxsim\n"
        "heavy = {'fastapi', 'lmdb', 'uvicorn', 'latent_terms', 'onnxruntime', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
