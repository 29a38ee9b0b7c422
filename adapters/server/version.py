"""Which server answers, read from what it says of itself, and whether it is one of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import UnsupportedAddress
from .address import Address, Distribution

# OpenSearch 2.13 is the first to report the scores of named queries
OLDEST: dict[Distribution, tuple[int, int]] = {"opensearch": (2, 13), "elasticsearch": (8, 11)}
NAMES: dict[Distribution, str] = {"opensearch": "OpenSearch", "elasticsearch": "Elasticsearch"}


@dataclass(frozen=True)
class Server:
    distribution: Distribution
    version: tuple[int, int, int]
    cluster: str = ""
    """The cluster's own name."""

    @property
    def name(self) -> str:
        """For people: `OpenSearch 3.6.0`."""
        return f"{NAMES[self.distribution]} {'.'.join(map(str, self.version))}"


def read_server(root: Any, address: Address) -> Server:
    """From the answer to `GET /`; raises UnsupportedAddress for what cannot be used."""
    about = root.get("version") if isinstance(root, dict) else None
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", str(about.get("number"))) if about else None
    if not isinstance(about, dict) or numbers is None:
        raise UnsupportedAddress(
            f"{address} answers, but is neither OpenSearch nor Elasticsearch: check host and port"
        )
    is_opensearch = about.get("distribution") == "opensearch"
    server = Server(
        "opensearch" if is_opensearch else "elasticsearch",
        (int(numbers[1]), int(numbers[2]), int(numbers[3])),
        str(root.get("cluster_name", "")),
    )
    if address.distribution not in (None, server.distribution):
        raise UnsupportedAddress(
            f"{address} is {server.name}: write {server.distribution}:// in front of it"
        )
    if server.version[:2] < OLDEST[server.distribution]:
        oldest = ".".join(map(str, OLDEST[server.distribution]))
        raise UnsupportedAddress(
            f"{address} is {server.name}: {NAMES[server.distribution]} {oldest} or later is needed"
        )
    return server
