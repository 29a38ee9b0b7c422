"""Each test of a module that asks for `url` runs on both servers."""

from __future__ import annotations

import pytest

KINDS = ("opensearch", "elasticsearch")


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue(f"{kind}_url"))
