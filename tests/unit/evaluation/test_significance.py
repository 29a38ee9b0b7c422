from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from latent_terms.evaluation import compare


def by_query(values: list[float]) -> dict[str, float]:
    return {str(position): value for position, value in enumerate(values)}


def test_identical_runs_differ_by_nothing() -> None:
    run = by_query([0.5, 0.25, 1.0])
    comparison = compare(run, run)

    assert (comparison.difference, comparison.p_value) == (0, 1)
    assert (comparison.better, comparison.worse) == (0, 0)


def test_always_better_over_many_queries_is_significant_and_never_impossible() -> None:
    comparison = compare(by_query([0.6] * 50), by_query([0.5] * 50), permutations=999)

    assert comparison.difference == pytest.approx(0.1)
    assert comparison.p_value == 1 / 1000
    assert (comparison.better, comparison.worse) == (50, 0)


def test_p_agrees_with_every_sign_enumerated() -> None:
    differences = [0.3, 0.1, -0.05, 0.2, 0.0, 0.15, -0.1, 0.25]
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=8)]
    exact = np.mean([total >= sum(differences) - 1e-9 for total in sums])

    comparison = compare(by_query(differences), by_query([0.0] * 8), permutations=50_000)

    assert comparison.p_value == pytest.approx(exact, abs=0.01)


def test_the_order_of_the_runs_turns_the_sign_only() -> None:
    first, second = by_query([0.9, 0.2, 0.4, 0.7]), by_query([0.1, 0.3, 0.4, 0.5])
    one, other = compare(first, second), compare(second, first)

    assert one.difference == pytest.approx(-other.difference)
    assert one.p_value == other.p_value
    assert (one.better, one.worse) == (other.worse, other.better) == (2, 1)


def test_a_seed_repeats_and_another_does_not() -> None:
    random = np.random.default_rng(7)
    first, second = by_query(random.random(40).tolist()), by_query(random.random(40).tolist())

    assert compare(first, second, seed=1) == compare(first, second, seed=1)
    assert compare(first, second, seed=1) != compare(first, second, seed=2)


@pytest.mark.parametrize("second", [{}, {"other": 1.0}])
def test_runs_over_different_queries_are_refused(second: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="the same queries"):
        compare({"q": 1.0}, second)
    with pytest.raises(ValueError, match="at least one"):
        compare({}, {})
