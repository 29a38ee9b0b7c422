"""Reading a whole index: every document, however the server answers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import adapters.backfill.walk
from adapters.backfill.walk import PAGE_CHARACTERS, SMALLEST_PAGE, walk
from adapters.server.cluster import Cluster

from ..servers.proxy import CutAfter, CutBefore, Proxy, Refuse
from .plain_index import plain_index, write

pytestmark = pytest.mark.engine

ALL = {"match_all": {}}
DOCUMENTS = {str(n): {"title": f"title {n}", "n": n} for n in range(700)}
TWO_SHARDS = {"number_of_shards": 2}


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


@pytest.fixture(params=["as this server does it", "by scroll"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """OpenSearch before 3.3 is walked by a scroll; the others can be, too. Pages are small."""
    for name in ("LARGEST_PAGE", "SCROLL_PAGE"):
        monkeypatch.setattr(adapters.backfill.walk, name, 50)
    if request.param == "by scroll":
        monkeypatch.setattr(adapters.backfill.walk, "_needs_scroll", lambda server: True)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_every_document_is_read_once_with_the_fields_asked_for(cluster: Cluster) -> None:
    with plain_index(cluster, DOCUMENTS, settings=TWO_SHARDS) as index:
        pages = list(walk(cluster, index, ALL, fields=("title",)))
        found = [document for page in pages for document in page]
        assert len(found) == 700
        assert {d.id: d.source for d in found} == {
            id: {"title": source["title"]} for id, source in DOCUMENTS.items()
        }
        assert len(pages) >= 14
        (document,) = walk(cluster, index, {"ids": {"values": ["7"]}}, fields=()).__next__()
        assert (document.id, document.source, document.index) == ("7", {}, index)


def test_no_page_gets_lost(url: str, cluster: Cluster, way: str) -> None:
    share = 0.1 if way == "by scroll" else 0.4  # a scroll begins again each time
    faults = [Refuse(429), Refuse(503), CutBefore(), CutAfter()]
    with (
        plain_index(cluster, DOCUMENTS, settings=TWO_SHARDS) as index,
        Proxy(url, faults, share=share, seed=4) as proxy,
    ):
        behind = Cluster(proxy.url)
        ids = [document.id for page in walk(behind, index, ALL, fields=()) for document in page]
        behind.close()
        assert set(ids) == set(DOCUMENTS)
        assert sum(proxy.struck.values()) > 1


@pytest.mark.usefixtures("way")
def test_a_walk_that_the_server_forgets_begins_again(cluster: Cluster) -> None:
    with plain_index(cluster, DOCUMENTS) as index:
        pages = walk(cluster, index, ALL, fields=())
        before = [document.id for document in next(pages)]
        for action in ("_close", "_open"):
            cluster.request("POST", f"/{index}/{action}")
        cluster.request("GET", f"/_cluster/health/{index}", params={"wait_for_status": "green"})
        after = [document.id for page in pages for document in page]
        assert set(after) == set(DOCUMENTS)
        assert set(before) < set(after)


def test_documents_are_seen_as_they_were_when_the_walk_began(cluster: Cluster) -> None:
    with plain_index(cluster, DOCUMENTS) as index:
        pages = walk(cluster, index, ALL, fields=("n",))
        first = next(pages)
        write(cluster, index, [(id, {"n": -1}) for id in DOCUMENTS])
        found = first + [document for page in pages for document in page]
        assert sorted(document.source["n"] for document in found) == list(range(700))


def test_pages_of_large_documents_are_small(cluster: Cluster) -> None:
    size = PAGE_CHARACTERS // 50
    documents = {str(n): {"title": "x" * size} for n in range(120)}
    with plain_index(cluster, documents) as index:
        pages = [len(page) for page in walk(cluster, index, ALL, fields=("title",))]
        assert pages[0] == SMALLEST_PAGE
        assert max(pages) < 50
        assert sum(pages) == 120
