from __future__ import annotations

import numpy as np
import pytest

from latent_terms.pooling import (
    Sums,
    document_terms,
    pooled_vectors,
    query_terms,
    sums_by_window,
    total,
)
from latent_terms.sae import SparseCodes


def sums(values: dict[int, float], tokens: int = 256) -> Sums:
    latents, summed = np.array(list(values), np.int64), np.array(list(values.values()), np.float64)
    return Sums(latents, summed, tokens)


def as_dict(found: Sums) -> dict[int, float]:
    return dict(zip(found.latents.tolist(), found.values.tolist(), strict=True))


def test_values_add_up_by_window_and_zeros_do_not_count() -> None:
    codes = SparseCodes(
        np.array([[3, 1], [2, 0], [5, 4], [1, 0]], np.float32),
        np.array([[7, 2], [7, 9], [7, 2], [0, 7]], np.int64),
    )
    first, second, third = sums_by_window(codes, np.array([0, 0, 2, 2]), 3)
    assert [first.tokens, second.tokens, third.tokens] == [2, 0, 2]
    assert as_dict(first) == {2: 1, 7: 5}
    assert as_dict(second) == {}
    assert as_dict(third) == {0: 1, 2: 4, 7: 5}


def test_windows_of_a_text_add_up() -> None:
    assert as_dict(total([sums({1: 2, 5: 1}), sums({0: 1, 5: 3})])) == {0: 1, 1: 2, 5: 4}
    assert total([sums({1: 2}, 3), sums({}, 4)]).tokens == 7
    assert as_dict(total([])) == {}


def test_a_frequency_is_the_rounded_root_of_the_sum_times_the_scale() -> None:
    terms = document_terms(sums({3: 9.0, 4: 2.25, 5: 0.2}), 1.0, 0)
    assert list(terms.items()) == [("t3", 3), ("t4", 2)]  # 1.5 rounds up, .447 to nothing
    assert document_terms(sums({5: 0.2}), 2.0, 0) == {"t5": 1}


def test_a_limit_keeps_the_heaviest_and_ties_go_to_the_lower_latent() -> None:
    found = sums({1: 4.0, 2: 9.0, 8: 4.0, 9: 1.0})
    assert list(document_terms(found, 1.0, 2)) == ["t2", "t1"]


def test_the_limit_of_a_document_grows_with_the_root_of_its_length() -> None:
    values = {latent: 9.0 for latent in range(100)}
    lengths = {tokens: len(document_terms(sums(values, tokens), 1.0, 20)) for tokens in (64, 1024)}
    assert lengths == {64: 10, 1024: 40}


def test_query_terms_come_by_weight_times_idf_but_are_limited_by_weight() -> None:
    idf = np.array([0.1, 1.0, 9.0])
    found = sums({0: 100.0, 1: 16.0, 2: 1.0})
    assert list(query_terms(found, 1.0, 0, idf).items()) == [("t2", 1), ("t1", 4), ("t0", 10)]
    assert list(query_terms(found, 1.0, 2, idf)) == ["t1", "t0"]


def test_a_query_whose_frequencies_all_round_to_nothing_keeps_its_heaviest_latent() -> None:
    idf = np.array([9.0, 0.1])
    assert query_terms(sums({0: 0.01, 1: 0.04}), 1.0, 0, idf) == {"t1": 1}
    assert query_terms(sums({}), 1.0, 0, idf) == {}
    assert document_terms(sums({0: 0.01}), 1.0, 0) == {}


@pytest.mark.parametrize(("pooling", "expected"), [("mean", [0.6, 0.8]), ("cls", [0.0, 1.0])])
def test_vectors_are_pooled_over_unmasked_tokens_and_have_length_one(
    pooling: str, expected: list[float]
) -> None:
    states = np.array([[[0, 4], [6, 4], [99, 99]]], np.float32)
    vectors = pooled_vectors(states, np.array([[1, 1, 0]]), pooling)
    assert vectors.dtype == np.float32
    assert vectors[0] == pytest.approx(expected)
