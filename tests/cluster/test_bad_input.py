"""What goes wrong on real servers is a clear error or a defined behaviour, and nothing is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters import Document, Schema, SearchRequest
from adapters.errors import (
    DocumentsRejected,
    EngineError,
    EngineUnavailable,
    IndexLocked,
    IndexUnreadable,
    QueryRejected,
)
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

from ..servers.proxy import Proxy, Refuse
from .own_index import FINGERPRINT, own_index
from .plain_index import plain_index

pytestmark = pytest.mark.engine

SCHEMA = Schema(text=("title",), date=("seen",), fingerprint=FINGERPRINT)
STRICT: dict[str, Any] = {
    "properties": {
        "title": {"type": "text"},
        "n": {"type": "short"},
        "shape": {"properties": {"sides": {"type": "byte"}}},
    }
}
READING: dict[str, Callable[[ServerEngine], object]] = {
    "search": lambda engine: engine.search(SearchRequest(text="x")),
    "count": lambda engine: engine.count(),
    "get": lambda engine: engine.get(["a"]),
}
WRITING: dict[str, Callable[[ServerEngine], object]] = {
    "add": lambda engine: engine.add([Document("new", {"title": "x"})]),
    "delete": lambda engine: engine.delete(["a"]),
}


@pytest.fixture
def engine(url: str) -> Iterator[ServerEngine]:
    with own_index(url, SCHEMA) as engine:
        engine.add([Document("a", {"title": "x"}, {"t1": 1})])
        engine.refresh()
        yield engine


@pytest.fixture
def cluster(url: str) -> Iterator[Cluster]:
    cluster = Cluster(url)
    yield cluster
    cluster.close()


def through(proxy: Proxy, engine: ServerEngine) -> ServerEngine:
    """The same index, by way of the proxy."""
    return ServerEngine(Cluster(f"{proxy.url}/{engine.index}"), engine.index)


def origin(engine: ServerEngine) -> str:
    (host,) = engine.cluster.address.hosts
    return f"http://{host.name}:{host.port}"


def block(engine: ServerEngine, name: str, value: bool | None) -> None:
    settings = {f"index.blocks.{name}": value}
    engine.cluster.request("PUT", f"/{engine.index}/_settings", body=settings)


@pytest.mark.parametrize("name", ["write", "read_only", "read_only_allow_delete"])
def test_a_read_only_index_is_said_to_be_so_and_read_on(engine: ServerEngine, name: str) -> None:
    block(engine, name, True)
    try:
        with pytest.raises(IndexLocked, match="blocked by.*(Lift the block|Free disk)"):
            engine.add([Document("new", {"title": "x"})])
        assert engine.search(SearchRequest(text="x")).total == 1
    finally:
        block(engine, name, None)
    assert engine.add([Document("new", {"title": "x"})]) == 1


@pytest.mark.parametrize("call", [*READING, *WRITING])
def test_a_closed_index_is_said_to_be_closed_and_works_when_opened(
    engine: ServerEngine, call: str
) -> None:
    engine.cluster.request("POST", f"/{engine.index}/_close")
    with pytest.raises(IndexUnreadable, match="(?i)closed.*Open it: POST"):
        ({**READING, **WRITING})[call](engine)
    engine.cluster.request("POST", f"/{engine.index}/_open")
    engine.cluster.request("GET", "/_cluster/health", params={"wait_for_status": "yellow"})
    assert engine.count() == 1


def test_documents_that_conflict_with_the_mapping_are_named_and_the_others_stored(
    cluster: Cluster, url: str
) -> None:
    with plain_index(cluster, {}, mapping=STRICT) as name:
        engine = ServerEngine(Cluster(f"{url}/{name}"), name)
        documents = [
            Document("good", {"title": "x", "n": 1}),
            Document("large", {"title": "x", "n": 99_999}),
            Document("object", {"title": "x", "shape": "round"}),
            Document("fine", {"title": "x"}),
        ]
        with pytest.raises(DocumentsRejected, match="the server refuses it") as caught:
            engine.add(documents)
        assert {error.id for error in caught.value.errors} == {"large", "object"}
        assert caught.value.partial
        assert caught.value.added == 2
        assert engine.get(d.id for d in documents).keys() == {"good", "fine"}


@pytest.mark.parametrize(
    ("source", "field", "reason"),
    [
        ({"seen": "20240531T1230"}, "seen", "'20240531T1230' is not read by servers"),
        ({"seen": ["2024-05-31", "2024-W22"]}, "seen", "'2024-W22'"),
        ({"latent_terms": "t1"}, "source", "'latent_terms': names of that beginning"),
        ({"latent_terms_3f9a1c": "t1"}, "source", "'latent_terms_3f9a1c'"),
    ],
)
def test_what_only_a_server_would_refuse_is_refused_before_it_is_sent(
    engine: ServerEngine, source: dict[str, Any], field: str, reason: str
) -> None:
    bad = Document("bad", source)
    with pytest.raises(DocumentsRejected, match=reason) as caught:
        engine.add([Document("good", {}), bad])
    assert [error.field for error in caught.value.errors] == [field]
    assert engine.faults(bad) == caught.value.errors
    assert engine.get(["good", "bad"]) == {}


def test_dates_that_pass_the_check_are_read_by_the_server(engine: ServerEngine) -> None:
    written = (
        "20240531",
        "2024-05-31T12",
        "2024-05-31T12:00Z",
        "2024-05-31T12:00:00+0200",
        "2024-05-31T12:00:00.123456789-07:00",
        "2024-05-31 12:00",
        "2024-05-31 12:00:00",
        "2024-05-31 12:00:00.123456+00:00",
        "2024-05-31 12:00:00.123",
        "0001-01-01",
        "9999-12-31T23:59:59.999999Z",
    )
    assert engine.add(Document(date, {"seen": date}) for date in written) == len(written)


def test_a_document_larger_than_a_request_may_be_is_named_and_the_others_stored(
    engine: ServerEngine,
) -> None:
    documents = [Document(str(i), {"title": f"word{i} " + "x" * 9_000}) for i in range(40)]
    documents[7] = Document("huge", {"title": "y" * 300_000})
    with (
        Proxy(origin(engine), [], most_bytes=100_000) as proxy,
        pytest.raises(DocumentsRejected, match="'huge', source: .*more than the server takes"),
    ):
        through(proxy, engine).add(documents)
    assert len(engine.get(d.id for d in documents)) == 39


def test_a_huge_document_is_stored_and_found_by_its_last_word(engine: ServerEngine) -> None:
    text = "word " * 2_000_000 + "lastword"
    terms = {f"t{i}": 1 + i % 50 for i in range(5_000)}
    assert engine.add([Document("huge", {"title": text}, terms)]) == 1
    engine.refresh()
    (hit,) = engine.search(SearchRequest(text="lastword")).hits
    assert hit.source["title"] == text
    request = SearchRequest(terms={"t4999": 1}, fingerprint=FINGERPRINT, body={"_source": False})
    assert [hit.id for hit in engine.search(request).hits] == ["huge"]


def test_a_text_too_long_to_highlight_is_said_to_be_so(engine: ServerEngine) -> None:
    engine.add([Document("long", {"title": "word " * 250_000})])
    engine.refresh()
    body = {"highlight": {"fields": {"title": {}}}}
    with pytest.raises(QueryRejected, match="max_analyzed_offset"):
        engine.search(SearchRequest(text="word", body=body))


def test_a_deeply_nested_source_is_stored_or_refused_by_name(engine: ServerEngine) -> None:
    def nested(depth: int) -> dict[str, Any]:
        source: dict[str, Any] = {}
        for _ in range(depth):
            source = {"a": source}
        return source

    assert engine.add([Document("deep", nested(200))]) == 1
    assert engine.get(["deep"]) == {"deep": nested(200)}
    with pytest.raises(DocumentsRejected, match="'bottomless', source: cannot be stored"):
        engine.add([Document("bottomless", nested(100_000))])


@pytest.mark.parametrize(
    ("status", "error"), [(429, EngineUnavailable), (502, EngineUnavailable), (418, EngineError)]
)
def test_an_answer_of_a_proxy_in_between_is_shown(
    engine: ServerEngine, status: int, error: type[EngineError]
) -> None:
    with (
        Proxy(origin(engine), [Refuse(status)]) as proxy,
        pytest.raises(error, match=f"_search: the server answered {status}: .*bad mood"),
    ):
        through(proxy, engine).search(SearchRequest(text="x"))


def test_an_alias_of_several_indexes_is_refused(url: str) -> None:
    with own_index(url, SCHEMA) as one, own_index(url, SCHEMA) as two:
        alias = f"alias-{uuid.uuid4().hex[:8]}"
        indices = {"add": {"indices": [one.index, two.index], "alias": alias}}
        one.cluster.request("POST", "/_aliases", body={"actions": [indices]})
        with pytest.raises(EngineError, match="stands for 2 indexes: name one"):
            ServerEngine(one.cluster, alias).search(SearchRequest(text="x"))


def test_writing_to_an_index_that_was_removed_does_not_bring_it_back(engine: ServerEngine) -> None:
    engine.cluster.request("DELETE", f"/{engine.index}")
    for call in WRITING.values():
        with pytest.raises(EngineError, match="create an index first"):
            call(engine)
    gone = engine.cluster.request("GET", f"/{engine.index}", accept=(404,))
    assert gone.status == 404
