"""How far two rankings of the same query agree."""

from __future__ import annotations

from collections.abc import Sequence

PERSISTENCE = 0.9
"""How likely a reader goes on to the next hit: 0.9 lays 86 % of the weight on the first ten."""


def overlap(first: Sequence[str], second: Sequence[str], *, k: int) -> float:
    """Share of the first k that both have, 0 to 1; of fewer hits, of as many as the longer has.

    Two empty rankings agree: 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}: it must be 1 or more")
    size = min(k, max(len(first), len(second)))
    return len(set(first[:k]) & set(second[:k])) / size if size else 1.0


def rank_biased_overlap(
    first: Sequence[str], second: Sequence[str], *, persistence: float = PERSISTENCE
) -> float:
    """Agreement from 0 to 1 in which the top counts most; ids must not repeat in a ranking.

    The extrapolated measure of Webber, Moffat and Zobel (TOIS 2010), equation 32: it supposes
    that what lies below the hits at hand agrees as much as these do. Two empty rankings agree: 1.
    """
    if not 0 < persistence < 1:
        raise ValueError(f"persistence is {persistence}: it must lie between 0 and 1")
    short, long = sorted((list(first), list(second)), key=len)
    if not short:
        return 1.0 if not long else 0.0
    shared = _shared_by_depth(short, long)
    p, s, n = persistence, len(short), len(long)
    seen = sum(shared[d] / d * p**d for d in range(1, n + 1))
    below = sum(shared[s] * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    rest = ((shared[n] - shared[s]) / n + shared[s] / s) * p**n
    return (1 - p) / p * (seen + below) + rest


def _shared_by_depth(short: Sequence[str], long: Sequence[str]) -> list[int]:
    """Entry d: how many ids are among the first d of both; entry 0 is 0."""
    in_short: set[str] = set()
    in_long: set[str] = set()
    shared = [0]
    for depth, id in enumerate(long):
        in_long.add(id)
        in_short.update(short[depth : depth + 1])
        shared.append(len(in_short & in_long))
    return shared
