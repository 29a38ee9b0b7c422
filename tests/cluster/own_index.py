"""An index of our own for one test or module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from adapters import Schema
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

FINGERPRINT = "3f9a1c0b77de"


@contextmanager
def own_index(url: str, schema: Schema | None = None) -> Iterator[ServerEngine]:
    """Connected; with a schema, created. The index is removed in the end, whoever made it."""
    name = f"engines-{uuid.uuid4().hex[:10]}"
    engine = ServerEngine(Cluster(f"{url}/{name}"), name)
    try:
        if schema is not None:
            engine.create(schema)
        yield engine
    finally:
        with_cluster = Cluster(url)
        with_cluster.request("DELETE", f"/{name}", accept=(404,))
        with_cluster.close()
        engine.close()
