"""A sidecar that is full says 429, and OpenSearch waits and tries again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pytest

from ..clients.served import Served, wait_until
from .books import Books

pytestmark = pytest.mark.engine

_T = TypeVar("_T")


@contextmanager
def doing_while_full(service: Served, work: Callable[[], _T]) -> Iterator[Callable[[], _T]]:
    """The work starts while the sidecar is full; it is full no more after the block."""
    with ThreadPoolExecutor(1) as other, service.full():
        started = other.submit(work)
        yield started.result


def test_a_document_that_is_refused_at_first_is_written_in_the_end(
    shelf: Books, service: Served
) -> None:
    before = service.refusals()
    write = {"late": {"title": "late"}}
    try:
        with doing_while_full(service, lambda: shelf.bulk(write)) as outcome:
            wait_until(lambda: service.refusals() > before)
        assert [item["status"] for item in outcome()] == [201]
    finally:
        shelf.cluster.request("DELETE", f"/{shelf.index}/_doc/late", accept=(404,))


def test_a_document_is_refused_by_429_while_the_sidecar_is_full(
    shelf: Books, service: Served
) -> None:
    before = service.refusals()
    with service.full():
        (outcome,) = shelf.bulk({"never": {"title": "never"}})
    assert outcome["status"] == 429
    assert outcome["error"]["type"] == "remote_connector_throttling_exception"
    assert service.refusals() == before + 4  # once, and three times again


def test_a_search_does_not_wait_for_a_sidecar_that_is_full(shelf: Books, service: Served) -> None:
    should = [{"match": {"title": "sea"}}, {"match": {shelf.names.field: "sea"}}]
    body = {"query": {"bool": {"should": should}}}
    # Deleted documents count in scores until a merge, which must not come between the searches.
    for action in ("_refresh", "_forcemerge?max_num_segments=1", "_refresh"):
        shelf.cluster.request("POST", f"/{shelf.index}/{action}")
    before = service.refusals()
    with service.full():
        found = shelf.search(body, shelf.names.reranking)
    assert service.refusals() == before + 1
    words = shelf.search({"query": {"match": {"title": "sea"}}})
    assert [hit["_score"] for hit in found["hits"]["hits"]] == [
        hit["_score"] for hit in words["hits"]["hits"]
    ]
