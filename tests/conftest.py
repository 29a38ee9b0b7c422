"""The search servers that tests use: given by address, running already, or started for the run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .servers import Missing, running, start

LACKING = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def opensearch_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """OPENSEARCH_URL, else the server of `make servers`, else one for this run."""
    yield from server_url("opensearch", pytestconfig)


@pytest.fixture(scope="session")
def elasticsearch_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """ELASTICSEARCH_URL, else the server of `make servers`, else one for this run."""
    yield from server_url("elasticsearch", pytestconfig)


def server_url(kind: str, config: pytest.Config) -> Iterator[str]:
    """`make test-versions` names the version in OPENSEARCH_VERSION and ELASTICSEARCH_VERSION."""
    version = os.environ.get(f"{kind.upper()}_VERSION")
    if url := os.environ.get(f"{kind.upper()}_URL") or running(kind, version):
        yield url
        return
    try:
        server = start(kind, version=version)
    except Missing as exc:
        config.stash.setdefault(LACKING, set()).add(str(exc))
        raise no_server(str(exc)) from None
    with server:
        yield server.url


def no_server(reason: str) -> BaseException:
    """A laptop may do without; CI may not."""
    if os.environ.get("CI") == "true":
        return pytest.fail.Exception(reason, pytrace=False)
    return pytest.skip.Exception(reason)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Said once, not for each test."""
    for reason in config.stash.get(LACKING, set()):
        terminalreporter.write_line(f"No search server: {reason}")
