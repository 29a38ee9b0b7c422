"""Other projects' clients, unmodified, against a running service: `make test-clients`.

Their environment is .venv-clients, see docs/developing.md; in another, nothing here is collected.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from .served import Served, served

QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "false",
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "true",  # else it fetches prices when it is imported
    "no_proxy": "127.0.0.1",
}
reached_out: list[str] = []


def refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: whatever looks up or connects to more than this machine fails."""
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    host = arguments[0] if event == "socket.getaddrinfo" else arguments[1][0]
    if not is_here(host):
        reached_out.append(f"{event} {host}")
        raise PermissionError(f"a test reached out to {host}")


def is_here(host: Any) -> bool:
    if host in (None, "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


INSTALLED = importlib.util.find_spec("litellm") is not None
if INSTALLED:  # before any of them is imported
    os.environ.update(QUIET)
    sys.addaudithook(refuse_the_network)
else:
    collect_ignore_glob = ["*"]


def pytest_configure(config: pytest.Config) -> None:
    if INSTALLED:
        # Most of them leave connections to the garbage collector, in a test or after the last one.
        unclosed = "unclosed (<socket|transport)"
        config.addinivalue_line("filterwarnings", f"ignore:{unclosed}:ResourceWarning")
        warnings.filterwarnings("ignore", unclosed, ResourceWarning)
        # LiteLLM's types, when pydantic builds their schemas on first use.
        config.addinivalue_line("filterwarnings", "ignore:.*`ReadOnly` qualifier:UserWarning")


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    with served() as service:
        yield service
    assert not reached_out, reached_out
