"""`latent-terms index` into a server: what it refuses, an interruption, and going on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.server.cluster import Cluster

from .command import run
from .plain_index import plain_index, sources

pytestmark = pytest.mark.engine


def test_what_only_the_server_refuses_goes_to_a_file_and_can_be_indexed_from_there(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    documents: list[dict[str, Any]] = [
        {"_id": str(n), "title": f"title {n}", "address": f"10.0.0.{n}"} for n in range(8)
    ]
    documents[3]["address"] = "nowhere"
    source = tmp_path / "hosts.jsonl"
    source.write_text("".join(json.dumps(document) + "\n" for document in documents))
    mapping = {"properties": {"title": {"type": "text"}, "address": {"type": "ip"}}}
    cluster = Cluster(url)
    with plain_index(cluster, {}, mapping=mapping) as index:
        into = f"{url}/{index}"
        refused = run("index", source, "--into", into, "--json", code=1)

        report = json.loads(refused.stdout)
        assert (report["indexed"], report["rejected"]) == (7, 1)
        assert set(sources(cluster, index)) == set("0124567")
        letters = Path(f"{index}.rejected.jsonl")
        (letter,) = [json.loads(line) for line in letters.read_text().splitlines()]
        assert letter["where"] == f"{source}, line 4"
        assert letter["document"] == documents[3]
        assert "nowhere" in letter["reason"] and "address" in letter["reason"]

        letters.write_text(letters.read_text().replace('"nowhere"', '"10.0.0.3"'))
        run("index", letters, "--into", into)
        assert len(sources(cluster, index)) == 8
        assert not letters.exists()
        again = json.loads(run("index", source, "--into", into, "--json", code=1).stdout)
        assert (again["indexed"], again["skipped"], again["rejected"]) == (0, 7, 1)
    cluster.close()
