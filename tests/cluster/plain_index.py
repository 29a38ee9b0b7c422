"""An index of somebody else: made without this package, and what became of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adapters.server.cluster import Cluster

MAPPING = {"properties": {"title": {"type": "text"}, "body": {"type": "text"}}}


@contextmanager
def plain_index(
    cluster: Cluster,
    documents: Mapping[str, Mapping[str, Any]],
    *,
    mapping: Mapping[str, Any] = MAPPING,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[str]:
    """Its name; `documents` are sources by id."""
    name = f"loading-{uuid.uuid4().hex[:10]}"
    body = {"settings": {"number_of_replicas": 0, **(settings or {})}, "mappings": mapping}
    cluster.request("PUT", f"/{name}", body=body)
    try:
        write(cluster, name, documents.items())
        yield name
    finally:
        cluster.request("DELETE", f"/{name}", accept=(404,))


def write(cluster: Cluster, name: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    lines = b"".join(
        json.dumps({"index": {"_index": name, "_id": id}}).encode()
        + b"\n"
        + json.dumps(source).encode()
        + b"\n"
        for id, source in documents
    )
    if lines:
        answer = cluster.bulk(lines, params={"refresh": True})
        assert answer.ok and not answer.body["errors"], answer.body


def sources(cluster: Cluster, name: str) -> dict[str, dict[str, Any]]:
    """Everything in the index, by id; for at most 10,000 documents."""
    cluster.request("POST", f"/{name}/_refresh")
    body = {"size": 10_000, "query": {"match_all": {}}}
    hits = cluster.request("POST", f"/{name}/_search", body=body).body["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}
