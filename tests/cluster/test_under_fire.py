"""Loading while the cluster refuses, cuts, restarts, the loader is killed, and others write.

No document may be lost, doubled or stale: in the end the terms of each are those of its last text.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters import Engine, connect
from adapters.backfill.documents import text_hash
from adapters.dialect.query import with_field
from adapters.errors import EngineUnavailable, IndexMissing
from adapters.server.cluster import Cluster
from latent_terms import TermEncoder, load

from ..conftest import no_server
from ..servers import Missing, Server, start
from ..servers.proxy import CutAfter, CutBefore, Proxy, Refuse, RefuseItems, Slow
from ..unit.latent_terms.model_folder import WORDS, build
from .plain_index import write
from .writers import Writer

pytestmark = pytest.mark.engine

DOCUMENTS = 20_000
INDEX = "fire"
FAULTS = [
    Refuse(429, retry_after=0.2),
    Refuse(429),
    Refuse(503),
    CutBefore(),
    CutAfter(),
    Slow(0.3),
    RefuseItems(),
]
COMMAND = [sys.executable, "-c", "from latent_terms.commands.main import main; main()"]
PATIENCE = 120  # seconds


@pytest.fixture(
    scope="module", params=["opensearch", pytest.param("elasticsearch", marks=pytest.mark.slow)]
)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[Server]:
    """One of our own: it is going to be killed."""
    try:
        server = start(kind)
    except Missing as lacking:
        no_server(str(lacking))
    with server:
        yield server


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


def text(number: int) -> str:
    words = WORDS[4:16]
    return " ".join(words[number // 12**place % 12] for place in range(5))


def source(number: int) -> dict[str, str]:
    return {"title": text(number), "body": f"a {text(7 * number)}"}


class Loader:
    """`latent-terms` in a process of its own."""

    def __init__(self, *arguments: object) -> None:
        command = [*COMMAND, *map(str, arguments)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    def kill_when(self, happened: Callable[[], bool]) -> None:
        self.wait_until(happened)
        self.process.kill()
        self.process.communicate()

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Fails where the loader ends before."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def finish(self) -> tuple[int, dict[str, Any], str]:
        output, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, json.loads(output or "{}"), errors


def test_a_back_fill_under_fire_leaves_no_document_out_and_none_stale(
    server: Server, model: Path
) -> None:
    documents = {str(n): source(n) for n in range(DOCUMENTS)}
    encoder = load(model)
    field = f"latent_terms_{encoder.fingerprint[:6]}"
    cluster = Cluster(server.url)
    fill(cluster, documents)

    def filled() -> int:
        return count(cluster, with_field(field))

    with Proxy(server.url, FAULTS, share=0.35, seed=11) as proxy:
        command = ("backfill", f"{proxy.url}/{INDEX}", "--fields", "title,body")
        command = (*command, "--model", model, "--timeout", 10, "--json")
        with Writer(server.url, INDEX, documents, text) as writer:
            Loader(*command).kill_when(lambda: filled() > DOCUMENTS // 5)
            loader = Loader(*command)
            loader.wait_until(lambda: filled() > DOCUMENTS // 2)
            server.kill()
            server.restart()
            loader.wait_until(lambda: filled() > DOCUMENTS * 3 // 4)
        code, report, errors = loader.finish()
        assert code == 0, errors
        assert report["missing"] == 0
        changed, last, errors = Loader(*command, "--changed").finish()
        assert (changed, last["missing"]) == (0, 0), errors
        assert last["updated"] > 0

    assert set(proxy.struck) == {type(fault).__name__ for fault in FAULTS}
    assert writer.writes > 50
    assert report["conflicts"] > 0
    found = everything(cluster)
    cluster.close()
    assert found.keys() == writer.expected.keys()
    terms = encode(encoder, writer.expected)
    for id, wanted in writer.expected.items():
        assert found[id].pop(field) == terms[id], id
        assert found[id].pop(f"{field}_hash") == text_hash(text_of(wanted)), id
        assert found[id] == wanted, id


def test_an_index_command_that_is_killed_under_fire_goes_on(
    server: Server, model: Path, tmp_path: Path
) -> None:
    documents = {str(n): source(n) for n in range(4_000)}
    corpus = tmp_path / "corpus.jsonl"
    lines = (json.dumps({"_id": id, **document}) for id, document in documents.items())
    corpus.write_text("\n".join(lines))
    with Proxy(server.url, FAULTS, share=0.2, seed=13) as proxy:
        into = f"{proxy.url}/corpus"
        command = ("index", corpus, "--into", into, "--text-fields", "title,body")
        command = (*command, "--model", model, "--json")
        with connect(f"{server.url}/corpus") as engine:
            Loader(*command).kill_when(lambda: indexed(engine) > 1_000)
            code, report, errors = Loader(*command).finish()
            assert (code, report["rejected"]) == (0, 0), errors
            assert report["indexed"] + report["skipped"] == len(documents)
            assert report["skipped"] > 1_000
            assert engine.count() == engine.statistics().documents_with_terms == len(documents)
            assert engine.get(documents) == documents
    assert sum(proxy.struck.values()) > 3


def indexed(engine: Engine) -> int:
    """What a search sees after a refresh; 0 while there is no index."""
    try:
        engine.refresh()
        return engine.count()
    except IndexMissing:
        return 0


def text_of(document: dict[str, str]) -> str:
    return "\n".join(document[field] for field in ("title", "body") if field in document)


def encode(encoder: TermEncoder, documents: dict[str, dict[str, str]]) -> dict[str, str]:
    """The latent field by id, as it is spelled in an index that was there before."""
    encoded = encoder.encode_documents(text_of(document) for document in documents.values())
    return {
        id: " ".join(" ".join([term] * n) for term, n in terms.items())
        for id, terms in zip(documents, encoded, strict=True)
    }


def fill(cluster: Cluster, documents: dict[str, dict[str, str]]) -> None:
    text = {"type": "text"}
    settings = {"number_of_replicas": 0, "number_of_shards": 2, "max_result_window": 2 * DOCUMENTS}
    mappings = {"properties": {"title": text, "body": text}}
    cluster.request("PUT", f"/{INDEX}", body={"settings": settings, "mappings": mappings})
    items = list(documents.items())
    for first in range(0, len(items), 5_000):
        write(cluster, INDEX, items[first : first + 5_000])


def count(cluster: Cluster, query: dict[str, Any]) -> int:
    """0 while the server is down."""
    try:
        return int(cluster.request("POST", f"/{INDEX}/_count", body={"query": query}).body["count"])
    except EngineUnavailable:
        return 0


def everything(cluster: Cluster) -> dict[str, dict[str, Any]]:
    cluster.request("POST", f"/{INDEX}/_refresh")
    body = {"size": 2 * DOCUMENTS, "query": {"match_all": {}}}
    hits = cluster.request("POST", f"/{INDEX}/_search", body=body).body["hits"]["hits"]
    assert len({hit["_id"] for hit in hits}) == len(hits)
    return {hit["_id"]: hit["_source"] for hit in hits}
