"""What only a server can do is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters import Schema, SearchRequest, connect
from adapters.errors import QueryRejected


@pytest.mark.parametrize("options", [{"body": {"aggs": {}}}, {"first_terms": 48}])
def test_a_search_for_servers_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with connect(tmp_path / "index") as engine:
        engine.create(Schema(text=("title",)))
        (name,) = options
        with pytest.raises(QueryRejected, match=f"{name} is for OpenSearch and Elasticsearch"):
            engine.search(SearchRequest(text="x", **options))
