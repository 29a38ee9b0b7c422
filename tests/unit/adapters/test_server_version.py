"""Which servers are taken, read from what they answer to `GET /`."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import UnsupportedAddress
from adapters.server.address import parse_address
from adapters.server.version import Server, read_server

OPENSEARCH = {"distribution": "opensearch", "number": "2.19.1"}


def read(version: dict[str, Any], address: str = "https://h/x") -> Server:
    return read_server({"cluster_name": "c", "version": version}, parse_address(address))


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (OPENSEARCH, "OpenSearch 2.19.1"),
        ({"number": "8.11.0"}, "Elasticsearch 8.11.0"),
        ({"number": "9.5.0-SNAPSHOT"}, "Elasticsearch 9.5.0"),
        ({"number": "8.11.0", "build_flavor": "serverless"}, "Elasticsearch 8.11.0"),
    ],
)
def test_a_supported_version_is_read(version: dict[str, Any], name: str) -> None:
    assert read(version).name == name


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ({"number": "8.10.4"}, "https://h:443/x is Elasticsearch 8.10.4: .* 8.11 or later"),
        ({"number": "7.10.2"}, "Elasticsearch 7.10.2: .* 8.11 or later"),
        ({**OPENSEARCH, "number": "2.12.0"}, "OpenSearch 2.12.0: .* 2.13 or later"),
        ({**OPENSEARCH, "number": "1.3.20"}, "OpenSearch 1.3.20: .* 2.13 or later"),
        ({"number": "latest"}, "neither OpenSearch nor Elasticsearch"),
        ({}, "neither OpenSearch nor Elasticsearch"),
    ],
)
def test_another_version_is_refused_by_name(version: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedAddress, match=message):
        read(version)


def test_the_address_must_name_the_server_that_answers() -> None:
    with pytest.raises(UnsupportedAddress, match="h:9200/x is OpenSearch 2.19.1: write opensearch"):
        read(OPENSEARCH, "elasticsearch://h/x")
