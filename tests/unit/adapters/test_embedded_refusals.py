"""What only a server can do is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import Schema, SearchRequest, connect
from adapters.errors import QueryRejected


def test_a_body_for_servers_is_refused(tmp_path: Path) -> None:
    with connect(tmp_path / "index") as engine:
        engine.create(Schema(text=("title",)))
        with pytest.raises(QueryRejected, match="body is for OpenSearch and Elasticsearch"):
            engine.search(SearchRequest(text="x", body={"aggs": {}}))
