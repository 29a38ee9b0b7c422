from __future__ import annotations

import numpy as np

from latent_terms.evaluation import nearest


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_neighbours_over_several_chunks_are_those_of_the_whole_matrix() -> None:
    random = np.random.default_rng(0)
    queries, documents = unit(random.normal(size=(5, 8))), unit(random.normal(size=(9000, 8)))
    ids = [f"d {position}" for position in range(len(documents))]

    found = nearest(queries, ids, iter(documents), depth=20)

    whole = np.argsort(-(queries @ documents.T), axis=1)[:, :20]
    assert found == [[ids[position] for position in row] for row in whole]


def test_of_equal_scores_the_first_document_stays_first() -> None:
    vector = np.array([1.0, 0.0], dtype=np.float32)

    assert nearest(vector[None], ["z", "a", "m"], [vector] * 3, depth=2) == [["z", "a"]]


def test_no_documents_leave_every_query_without_hits() -> None:
    assert nearest(np.ones((2, 3), dtype=np.float32), [], [], depth=10) == [[], []]
