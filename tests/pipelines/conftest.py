"""Real engines that call a real service process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.server.cluster import Cluster

from ..clients.served import Served, served
from .books import TITLES, Books, books, sidecar_of


@pytest.fixture(scope="session")
def service() -> Iterator[Served]:
    with served() as service:
        yield service


@pytest.fixture(scope="session")
def opensearch(opensearch_url: str) -> Iterator[Cluster]:
    cluster = Cluster(opensearch_url)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def elasticsearch(elasticsearch_url: str) -> Iterator[Cluster]:
    cluster = Cluster(elasticsearch_url)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def shelf(opensearch: Cluster, service: Served) -> Iterator[Books]:
    """TITLES, written through the ingest pipeline; tests leave it as it is."""
    with books(opensearch) as shelf:
        shelf.setup.install(shelf.wanted(sidecar_of(service), batch_size=4), attach=True)
        sources = {id: {"title": title, "kind": "ab"[int(id) % 2]} for id, title in TITLES.items()}
        outcomes = shelf.bulk(sources, refresh=True)
        assert {outcome["status"] for outcome in outcomes} == {201}, outcomes
        yield shelf
