"""Reading every document that matches, page by page, while the index is in use.

A point in time with `search_after` by `_shard_doc`: each page may be asked for again. OpenSearch
before 3.3 has no such sort order, and there a scroll does it, whose pages cannot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from ..errors import EngineBusy, EngineError, EngineUnavailable
from ..server.cluster import Answer, Cluster
from ..server.failures import reason_of
from ..server.patience import patiently
from ..server.stored import StoredDocument
from ..server.version import Server

KEEP_ALIVE = "10m"  # between two pages, while the texts of one are encoded
SMALLEST_PAGE = 20
LARGEST_PAGE = 1_000
PAGE_CHARACTERS = 2_000_000
SCROLL_PAGE = 200

_WHOLE = {"allow_partial_search_results": False}  # a shard that is missing is an error
_LOST = 404
_MOST_RESTARTS = 20
_SHARD_DOC_SINCE = (3, 3, 0)  # https://github.com/opensearch-project/OpenSearch/pull/18924

Page = list[StoredDocument]


class _ContextLost(Exception):
    """The server has forgotten where the walk was: it restarted, or KEEP_ALIVE was over."""


def walk(
    cluster: Cluster, index: str, query: Mapping[str, Any], *, fields: tuple[str, ...]
) -> Iterator[Page]:
    """Documents as they were when the walk began, with `fields` of their sources.

    Where the server loses the walk, it begins again: documents that match no more by then are not
    seen, others may be seen twice. Raises EngineError.
    """
    restarts = 0
    while True:
        body = {"query": query, "_source": list(fields) or False, "seq_no_primary_term": True}
        try:
            with _reader(cluster, index, body) as reader:
                yield from _pages(reader)
            return
        except _ContextLost as exc:
            restarts += 1
            if restarts > _MOST_RESTARTS:
                raise EngineUnavailable(
                    f"{index}: the server lost its place in the index {restarts} times ({exc}). "
                    "Look at its log, then run the same again."
                ) from exc


def _pages(reader: _Reader) -> Iterator[Page]:
    size = SMALLEST_PAGE
    while page := reader.next(size):
        yield page
        characters = sum(len(str(document.source)) for document in page)
        fitting = PAGE_CHARACTERS * len(page) // max(characters, 1)
        size = max(SMALLEST_PAGE, min(fitting, LARGEST_PAGE))


class _Reader(ABC):
    def __init__(self, cluster: Cluster, index: str, body: dict[str, Any]) -> None:
        self._cluster = cluster
        self._path = f"/{quote(index, safe='')}"
        self._body = body

    @abstractmethod
    def next(self, size: int) -> Page:
        """An empty page is the end. Raises _ContextLost."""

    @abstractmethod
    def close(self) -> None: ...


class _PointInTime(_Reader):
    def __init__(self, cluster: Cluster, index: str, body: dict[str, Any]) -> None:
        super().__init__(cluster, index, body | {"sort": [{"_shard_doc": "asc"}]})
        self._opensearch = cluster.server.distribution == "opensearch"
        self._id = patiently(self._open)
        self._after: list[Any] | None = None

    def _open(self) -> str:
        path = "_search/point_in_time" if self._opensearch else "_pit"
        params = {"keep_alive": KEEP_ALIVE}
        answer = self._cluster.request("POST", f"{self._path}/{path}", params=params)
        refuse_partial(answer)
        return str(answer.body["pit_id" if self._opensearch else "id"])

    def next(self, size: int) -> Page:
        body = self._body | {"size": size, "pit": {"id": self._id, "keep_alive": KEEP_ALIVE}}
        if self._after is not None:
            body["search_after"] = self._after
        hits = patiently(lambda: _hits(self._search(body)))
        if hits:
            self._after = hits[-1]["sort"]
        return [StoredDocument.read(hit) for hit in hits]

    def _search(self, body: dict[str, Any]) -> Answer:
        return self._cluster.request("POST", "/_search", params=_WHOLE, body=body, accept=(_LOST,))

    def close(self) -> None:
        path = "/_search/point_in_time" if self._opensearch else "/_pit"
        body = {"pit_id": [self._id]} if self._opensearch else {"id": self._id}
        self._cluster.request("DELETE", path, body=body, accept=(_LOST,))


class _Scroll(_Reader):
    """Its page size is fixed; `next` ignores the one it is given."""

    def __init__(self, cluster: Cluster, index: str, body: dict[str, Any]) -> None:
        super().__init__(cluster, index, body | {"sort": ["_doc"], "size": SCROLL_PAGE})
        self._id: str | None = None

    def next(self, size: int) -> Page:
        answer = patiently(self._first) if self._id is None else self._following()
        hits = _hits(answer)
        self._id = str(answer.body["_scroll_id"])
        return [StoredDocument.read(hit) for hit in hits]

    def _first(self) -> Answer:
        params = _WHOLE | {"scroll": KEEP_ALIVE}
        return self._cluster.request(
            "POST", f"{self._path}/_search", params=params, body=self._body
        )

    def _following(self) -> Answer:
        body = {"scroll": KEEP_ALIVE, "scroll_id": self._id}
        try:
            return self._cluster.request("POST", "/_search/scroll", body=body, accept=(_LOST,))
        except EngineBusy as exc:  # the server may have gone on to the next page
            raise _ContextLost(str(exc)) from exc

    def close(self) -> None:
        if self._id is not None:
            body = {"scroll_id": self._id}
            self._cluster.request("DELETE", "/_search/scroll", body=body, accept=(_LOST,))


@contextmanager
def _reader(cluster: Cluster, index: str, body: dict[str, Any]) -> Iterator[_Reader]:
    reader = (_Scroll if _needs_scroll(cluster.server) else _PointInTime)(cluster, index, body)
    try:
        yield reader
    finally:
        with suppress(EngineError):  # it ends by itself when KEEP_ALIVE is over
            reader.close()


def _needs_scroll(server: Server) -> bool:
    return server.distribution == "opensearch" and server.version < _SHARD_DOC_SINCE


def _hits(answer: Answer) -> list[dict[str, Any]]:
    if answer.status == _LOST:
        raise _ContextLost(reason_of(answer.body))
    refuse_partial(answer)
    hits: list[dict[str, Any]] = answer.body["hits"]["hits"]
    return hits


def refuse_partial(answer: Answer) -> None:
    """Raises EngineBusy where some shards did not answer: documents would be missing."""
    shards = answer.body["_shards"]
    if shards["failed"]:
        raise EngineBusy(
            f"{shards['failed']} of {shards['total']} shards did not answer: "
            f"{reason_of(answer.body['_shards'])}. Look at GET /_cluster/health."
        )
