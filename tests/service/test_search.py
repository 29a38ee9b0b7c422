"""`Search` with the service as encoder and reranker: there, gone, late, and wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from adapters import Document, Engine, Schema, Search, SearchResult, connect
from adapters.errors import ModelMismatch, QueryRejected
from adapters.reranker import Reranker
from latent_terms.testing import hash_encoder
from rerank_service.client import Client, ServiceUnavailable
from rerank_service.local import LocalReranker

from .serving import Running, running, watched_encoder

TEXTS = [f"wing {'wing ' * (n % 4)}{'cat ' * (n % 7)}lift {n}" for n in range(60)]
QUERY = "lift of a wing 17"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    encoder = hash_encoder()
    with connect(str(tmp_path_factory.mktemp("indexes") / "books")) as engine:
        engine.create(Schema(text=("title", "body"), fingerprint=encoder.fingerprint))
        Search(engine, encoder).index(
            Document(str(n), {"title": f"number {n}", "body": text}) for n, text in enumerate(TEXTS)
        )
        yield engine


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.url, timeout=60) as client:
        yield client


def ids(result: SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


def test_a_search_is_the_same_in_process_and_over_http(engine: Engine, client: Client) -> None:
    encoder = hash_encoder()
    local = Search(engine, encoder, LocalReranker(encoder)).search(QUERY, rerank=30, size=5)
    remote = Search(engine, client, client).search(QUERY, rerank=30, size=5)
    assert ids(local) == ids(remote)
    for result in (local, remote):
        assert (result.encoded, result.reranked, result.reason) == (True, True, None)
        assert [hit.rank for hit in result.hits] == [1, 2, 3, 4, 5]
    assert [hit.rerank_score for hit in remote.hits] == pytest.approx(
        [hit.rerank_score for hit in local.hits], abs=1e-3
    )


def test_the_best_hits_are_ordered_by_what_the_reranker_says_of_their_text(engine: Engine) -> None:
    encoder = hash_encoder()
    reranker = LocalReranker(encoder)
    first = Search(engine, encoder).search(QUERY, size=60)
    assert not first.reranked and first.reason is None
    texts = [f"number {hit.id}\n{TEXTS[int(hit.id)]}" for hit in first.hits]
    scores = reranker.rerank(QUERY, texts[:20]).scores
    expected = sorted(range(20), key=lambda n: -scores[n])
    found = Search(engine, encoder, reranker).search(QUERY, size=60, rerank=20)
    assert ids(found)[:20] == [first.hits[n].id for n in expected] != ids(first)[:20]
    assert ids(found)[20:] == ids(first)[20:]
    assert [hit.rerank_score is None for hit in found.hits] == 20 * [False] + 40 * [True]
    assert found.total == first.total


def test_pages_of_reranked_hits_follow_each_other(engine: Engine) -> None:
    encoder = hash_encoder()
    search = Search(engine, encoder, LocalReranker(encoder))
    whole = search.search(QUERY, size=40, rerank=20)
    pages = [search.search(QUERY, size=8, offset=n, rerank=20) for n in (0, 8, 16, 24, 32)]
    assert [hit for page in pages for hit in page.hits] == list(whole.hits)
    assert [page.reranked for page in pages] == [True, True, True, False, False]


def test_a_hundred_are_reranked_where_nobody_says_how_many(engine: Engine) -> None:
    read: list[int] = []

    class Counting(LocalReranker):
        def rerank(self, query: str, documents: Sequence[str]):  # type: ignore[no-untyped-def]
            read.append(len(documents))
            return super().rerank(query, documents)

    encoder = hash_encoder()
    search = Search(engine, encoder, Counting(encoder))
    assert search.search("wing", size=3).reranked
    assert read == [60]
    assert not search.search("wing", size=3, rerank=0).reranked
    assert search.explain("wing", "17") == Search(engine, encoder).explain("wing", "17")
    assert read == [60]


def test_a_service_that_goes_in_the_middle_leaves_words_and_their_order(engine: Engine) -> None:
    with running() as service:
        client = Client(service.url, timeout=60)
        assert Search(engine, client, client).search(QUERY).reranked
        before = Search(engine, client).search(QUERY)
    with client:
        client._timeout = 0.3
        started = time.monotonic()
        result = Search(engine, client, client).search(QUERY)
        assert time.monotonic() - started < 10
        by_words = Search(engine).search(QUERY)
        assert ids(result) == ids(by_words) and result.hits
        assert not result.encoded and not result.reranked
        assert result.reason is not None
        assert "found by words alone" in result.reason and "cannot be reached" in result.reason
        assert "not reranked" in result.reason
        # with a model in this process only the reranking is lost
        result = Search(engine, hash_encoder(), client).search(QUERY)
        assert ids(result) == ids(before)
        assert result.encoded and not result.reranked
        assert result.reason is not None and result.reason.startswith("not reranked: http://")
        with pytest.raises(ServiceUnavailable):
            Search(engine, client, client).search(QUERY, mode="latent")
        with pytest.raises(ServiceUnavailable):
            Search(engine, client).explain(QUERY, "17")


def test_a_slow_service_costs_its_timeout_and_no_hits(engine: Engine) -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1) as service, Client(service.url, timeout=0.5) as client:
        backbone.open.clear()
        started = time.monotonic()
        result = Search(engine, hash_encoder(), client).search(QUERY, size=5)
        assert time.monotonic() - started < 10
        assert ids(result) == ids(Search(engine, hash_encoder()).search(QUERY, size=5))
        assert not result.reranked and "did not answer in time" in str(result.reason)
        backbone.open.set()


def test_what_the_service_refuses_is_said(engine: Engine) -> None:
    with running(api_keys=("right",)) as service, Client(service.url, api_key="wrong") as client:
        result = Search(engine, hash_encoder(), client).search(QUERY)
    assert result.hits and not result.reranked and "401" in str(result.reason)


def test_documents_that_cannot_be_scored_come_last_and_are_mentioned(engine: Engine) -> None:
    encoder, _ = watched_encoder(poison="17")
    with running(encoder) as service, Client(service.url, timeout=60) as client:
        result = Search(engine, hash_encoder(), client).search("wing lift", size=60, rerank=60)
    assert result.reranked and ids(result)[-1] == "17"
    assert "reranked in part: the model failed on documents at" in str(result.reason)


def test_another_model_is_an_error_and_no_reason_to_go_on(tmp_path: Path) -> None:
    with connect(str(tmp_path / "other")) as engine:
        engine.create(Schema(text=("body",), fingerprint="abcdef123456"))
        with pytest.raises(ModelMismatch):
            Search(engine, hash_encoder()).search("wing")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rerank": -1}, "rerank -1 is not a whole number"),
        ({"rerank": True}, "rerank True"),
        ({"rerank": 10_001}, "rerank 10001"),
        ({"body": {"sort": ["_score"]}}, "body has sort: reranking orders hits itself"),
        ({"body": {"_source": ["title"]}}, "body has _source"),
    ],
)
def test_what_cannot_be_reranked_is_rejected(
    engine: Engine, options: dict[str, object], sentence: str
) -> None:
    encoder = hash_encoder()
    reranker: Reranker = LocalReranker(encoder)
    with pytest.raises(QueryRejected, match=sentence):
        Search(engine, encoder, reranker).search("wing", **options)  # type: ignore[arg-type]
    with pytest.raises(QueryRejected, match="needs a reranker"):
        Search(engine, encoder).search("wing", rerank=5)
