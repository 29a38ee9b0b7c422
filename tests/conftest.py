"""The search servers that tests use: given by address, running already, or started for the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from .servers import Missing, running, start


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """OPENSEARCH_URL, else the server of `make servers`, else one for this run."""
    yield from server_url("opensearch")


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """ELASTICSEARCH_URL, else the server of `make servers`, else one for this run."""
    yield from server_url("elasticsearch")


def server_url(kind: str) -> Iterator[str]:
    """`make test-versions` names the version in OPENSEARCH_VERSION and ELASTICSEARCH_VERSION."""
    name = kind.upper()
    version = os.environ.get(f"{name}_VERSION")
    if url := os.environ.get(f"{name}_URL") or running(kind, version):
        yield url
        return
    try:
        server = start(kind, version=version)
    except Missing as lacking:
        no_server(f"{lacking}; or give {name}_URL, such as that of docker-compose.yml")
    with server:
        yield server.url


def no_server(reason: str) -> NoReturn:
    """A laptop may do without; CI may not."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
