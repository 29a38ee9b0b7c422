"""The servers that stand in for those of a reader when a page of the docs runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adapters.server.cluster import Cluster

KINDS = ("opensearch", "elasticsearch")


def address(kind: str) -> str:
    """As pages write it, before the name of an index."""
    return f"{kind}://localhost:9200/"


def needs_servers(text: str) -> bool:
    return any(address(kind) in text for kind in KINDS)


@contextmanager
def stand_ins(text: str, url_of: Callable[[str], str]) -> Iterator[dict[str, str]]:
    """What to put for each address in the text; `url_of` gives the server of a kind.

    The names of indexes get a beginning of their own, and what has it is removed at the end.
    """
    prefix = f"docs-{uuid.uuid4().hex[:8]}-"
    urls = {kind: url_of(kind) for kind in KINDS if address(kind) in text}
    try:
        yield {
            address(kind): f"{kind}://{url.removeprefix('http://')}/{prefix}"
            for kind, url in urls.items()
        }
    finally:
        for url in urls.values():
            _remove(url, prefix)


def _remove(url: str, prefix: str) -> None:
    cluster = Cluster(url)
    for index in cluster.request("GET", f"/{prefix}*/_settings").body:
        cluster.request("DELETE", f"/{index}")
    cluster.close()
