"""Is one run better than another, or lucky? A paired randomisation test over queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1000  # permutations at a time: bounds the sign matrix


@dataclass(frozen=True)
class Comparison:
    difference: float  # mean of the first run minus mean of the second
    p_value: float  # two-sided
    better: int  # queries on which the first run is better
    worse: int


def compare(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    permutations: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two runs by their values per query.

    Under the null hypothesis the two values of a query could be swapped, so signs of the
    differences are drawn at random; p is the share of draws with a mean at least as far from 0,
    counting the observed one (never 0). See Smucker, Allan and Carterette, CIKM 2007.

    Raises:
        ValueError: the runs are over different queries, or over none.
    """
    if first.keys() != second.keys() or not first:
        raise ValueError("compare() needs two runs over the same queries, at least one")
    differences = np.array([first[query] - second[query] for query in first])
    return Comparison(
        difference=float(differences.mean()),
        p_value=_p_value(differences, permutations, np.random.default_rng(seed)),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
    )


def _p_value(
    differences: NDArray[np.float64], permutations: int, random: np.random.Generator
) -> float:
    # Sums of the same numbers in another order differ in the last bits: compare with a tolerance.
    observed = abs(differences.sum()) - 1e-9
    extreme = 0
    for start in range(0, permutations, _CHUNK):
        size = (min(_CHUNK, permutations - start), len(differences))
        signs = random.integers(0, 2, size=size, dtype=np.int8) * 2 - 1
        extreme += int((abs(signs @ differences) >= observed).sum())
    return (extreme + 1) / (permutations + 1)
