"""docs/pipelines.md, from top to bottom: its commands, and its requests to both engines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import latent_terms
from adapters.pipelines.pipelines import Names
from adapters.server.cluster import Cluster

from ..pages import ROOT, Block, blocks, run_console
from ..service.serving import Running, running
from .books import Books, books, ids

pytestmark = pytest.mark.engine

PAGE = ROOT / "docs" / "pipelines.md"
REQUEST = re.compile(r"(?P<method>GET|PUT|POST|DELETE) (?P<path>/\S+)\n(?P<body>.*)", re.DOTALL)
FIRST_RESULT = "RESULT OF THE FIRST REQUEST"
SHOWN_FINGERPRINT = "3f9a1c"


@dataclass
class Reader:
    """Does what the page says; the index is another one, and so is the model."""

    cluster: Cluster
    stand_ins: dict[str, str]
    folder: Path
    result: str = ""
    """Of the last completion."""
    found: list[list[str]] = field(default_factory=list)
    """Ids, for each search."""

    def follow(self, block: Block) -> None:
        body = block.body
        for shown, real in self.stand_ins.items():
            body = body.replace(shown, real)
        if block.language == "console":
            run_console(replace(block, body=body), self.folder, f"docs/pipelines.md:{block.line}")
        elif block.language == "json":
            self.send(body)

    def send(self, text: str) -> None:
        request = REQUEST.fullmatch(text)
        assert request is not None, text
        body = json.loads(request["body"].replace(FIRST_RESULT, self.result))
        path, _, query = request["path"].partition("?")
        params = dict(pair.split("=") for pair in query.split("&")) if query else None
        answer: Any = self.cluster.request(request["method"], path, params=params, body=body).body
        if "completion" in answer:
            self.result = answer["completion"][0]["result"]
        if path.endswith("/_search"):
            self.found.append(ids(answer))


@pytest.fixture(scope="module")
def sidecar() -> Iterator[Running]:
    with running(latent_terms.load()) as service:
        yield service


def parts() -> dict[str, list[Block]]:
    """The blocks for each engine; the command that ends the page is for both."""
    text = PAGE.read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index("\n## Elasticsearch\n"))
    every = blocks(PAGE)
    before = [block for block in every if block.line < line]
    after = [block for block in every if block.line > line]
    return {"opensearch": before, "elasticsearch": after[:-1]}


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
def test_the_page_holds(
    kind: str, sidecar: Running, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    cluster: Cluster = request.getfixturevalue(kind)
    fingerprint = sidecar.service.encoder.fingerprint
    with books(cluster) as shelf:
        shelf.names = Names(shelf.index, fingerprint)
        cluster.request("DELETE", f"/{shelf.index}")  # the page makes it
        host = str(cluster.address).partition("://")[2]
        reader = Reader(
            cluster,
            {
                f"{kind}://localhost:9200": f"{kind}://{host}",
                "http://127.0.0.1:8080": sidecar.url,
                "books": shelf.index,
                SHOWN_FINGERPRINT: fingerprint[:6],
            },
            tmp_path,
        )
        for block in parts()[kind]:
            reader.follow(block)
        assert reader.found and all(found == ["1"] for found in reader.found), reader.found
        remove(shelf, reader)


def remove(shelf: Books, reader: Reader) -> None:
    """The last block, as far as it is for this engine."""
    last = blocks(PAGE)[-1]
    lines = last.body.splitlines()
    own = [line for line in lines if f"{shelf.cluster.server.distribution}://" in line]
    assert len(own) == 1 and len(lines) == 2
    reader.follow(replace(last, body=own[0] + "\n"))
    assert not shelf.setup.removal()
