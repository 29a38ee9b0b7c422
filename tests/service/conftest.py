from __future__ import annotations

from collections.abc import Iterator

import pytest

from .serving import Running, running


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """A service with default sizes and no store, that no test may upset, on busy machines too."""
    patient = {"timeout_ms": 60_000, "document_timeout_ms": 60_000, "body_timeout_ms": 60_000}
    with running(**patient) as service:
        yield service
