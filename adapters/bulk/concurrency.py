"""How many requests may be under way at once: more while all goes well, half when it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SECONDS_BETWEEN_CUTS = 1.0  # requests that were under way together are one sign of overload


class Concurrency:
    """Additive increase, multiplicative decrease, from 1 to `most`; threads may share it.

    Until the first overload each success adds one, after it one for each whole round.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._level = 1.0
        self._cut_at: float | None = None
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        return int(self._level)

    def succeeded(self) -> None:
        with self._lock:
            step = 1.0 if self._cut_at is None else 1 / self._level
            self._level = min(self._level + step, self._most)

    def overloaded(self) -> None:
        with self._lock:
            now = self._clock()
            if self._cut_at is None or now - self._cut_at >= _SECONDS_BETWEEN_CUTS:
                self._level = max(self._level / 2, 1.0)
                self._cut_at = now
