"""Token vectors to put into stores, for tests and the processes that they start."""

from __future__ import annotations

import numpy as np

from rerank_service.records import TokenVectors, key_of

DIMENSIONS = 8
SIZE = 4 << 20


def vectors(seed: int, tokens: int = 5) -> TokenVectors:
    rng = np.random.default_rng(seed)
    return TokenVectors(rng.normal(size=(tokens, DIMENSIONS)).astype(np.float16), whole=True)


def key(n: int) -> bytes:
    return key_of(f"text {n}", "f" * 12)
