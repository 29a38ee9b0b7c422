from __future__ import annotations

from collections.abc import Iterator

import pytest

from .serving import Running, running


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """A service with default limits and no store, that no test may upset."""
    with running() as service:
        yield service
