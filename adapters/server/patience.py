"""Waiting for a cluster that is busy or starting again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from ..errors import EngineBusy
from .backoff import delays

PATIENCE_SECONDS = 300.0

Result = TypeVar("Result")


def patiently(call: Callable[[], Result], *, seconds: float = PATIENCE_SECONDS) -> Result:
    """The result of a call that may be made twice; raises EngineBusy where the cluster has not
    recovered after so many seconds."""
    waits = delays(chance=random.Random())
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call()
        except EngineBusy:
            wait = next(waits)
            if time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
