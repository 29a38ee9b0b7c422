"""How long to wait before a request is sent again."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_SECONDS = 0.25
LONGEST_SECONDS = 20.0


def delays(*, chance: random.Random) -> Iterator[float]:
    """Seconds, doubling up to LONGEST_SECONDS; each is cut by chance to between half and all of
    it, so that loaders that were refused together do not come back together."""
    longest = FIRST_SECONDS
    while True:
        yield longest * chance.uniform(0.5, 1.0)
        longest = min(longest * 2, LONGEST_SECONDS)
