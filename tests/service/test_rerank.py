"""What a rerank answers in each dialect, and what it scores."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from latent_terms.testing import hash_encoder
from rerank_service.maxsim import maxsim

from .serving import Running, running, wait_until, watched_encoder

QUERY = "wing lift"
ROUGH = 1e-3  # what half precision loses
DOCUMENTS = ["the cat sat on the mat", "a wing has lift", "", "lift and drag", "wing"]
ROUTES = ["/rerank", "/v1/rerank", "/v2/rerank"]


def vectors(text: str, side: str = "documents") -> np.ndarray:
    reader = getattr(hash_encoder(threads=1), side)
    parts = [r.vectors for w in reader.windows(text) for r in reader.read([w], vectors=True)]
    halves = np.concatenate([np.zeros((0, 32)), *parts]).astype(np.float16)
    return halves.astype(np.float32)


def expected(query: str = QUERY, documents: list[str] = DOCUMENTS) -> list[float]:
    words = vectors(query, "queries")
    return (maxsim(words, [vectors(text) for text in documents]) / len(words)).tolist()


def ask(service: Running, path: str = "/v2/rerank", **body: Any) -> Any:
    answer = service.post(path, {"query": QUERY} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ROUTES)
def test_every_document_gets_its_maxsim_best_first(service: Running, path: str) -> None:
    answer = ask(service, path, documents=DOCUMENTS)
    assert answer["scores"] == pytest.approx(expected(), abs=1e-6)
    assert answer["scores"][1] == pytest.approx(1.0, abs=ROUGH) and answer["scores"][2] == -1.0
    assert [each["index"] for each in answer["results"]][0] == 1
    assert sorted(each["index"] for each in answer["results"]) == [0, 1, 2, 3, 4]
    ranked = [each["relevance_score"] for each in answer["results"]]
    assert ranked == sorted(answer["scores"], reverse=True)
    assert answer["empty"] == [2] and answer["rerank_status"] == "ok"
    assert answer["meta"]["api_version"]["version"] == ("1" if path == "/v1/rerank" else "2")
    assert "document" not in answer["results"][0] and answer["score_type"] == "maxsim_mean"


@pytest.mark.parametrize("path", [*ROUTES, "/v1/reranking"])
def test_texts_get_a_bare_list_as_text_embeddings_inference_gives(
    service: Running, path: str
) -> None:
    answer = ask(service, path, texts=DOCUMENTS, return_text=True, raw_scores=False)
    assert [each["index"] for each in answer][0] == 1
    assert len(answer) == len(DOCUMENTS)
    for each in answer:
        assert each["score"] == each["relevance_score"]
        assert each["text"] == DOCUMENTS[each["index"]]


def test_documents_come_back_as_they_came_where_asked(service: Running) -> None:
    documents = ["a wing", {"text": "lift", "id": 7}]
    answer = ask(service, "/v1/rerank", documents=documents, return_documents=True)
    found = {each["index"]: each["document"] for each in answer["results"]}
    assert found == {0: {"text": "a wing"}, 1: {"text": "lift", "id": 7}}


def test_voyage_finds_its_data(service: Running) -> None:
    answer = ask(service, "/v1/rerank", documents=DOCUMENTS, top_k=2, return_documents=True)
    assert [each["document"] for each in answer["data"]] == [DOCUMENTS[1], DOCUMENTS[3]]
    assert len(answer["data"]) == len(answer["results"]) == 2
    assert answer["data"][0]["relevance_score"] == answer["scores"][1]
    assert answer["usage"]["total_tokens"] > 0
    assert len(ask(service, "/v1/rerank", documents=DOCUMENTS)["data"]) == 5
    assert "data" not in ask(service, "/v1/rerank", documents=DOCUMENTS, top_n=2)


@pytest.mark.parametrize("name", ["input", "documents"])
def test_mixedbread_finds_its_data(service: Running, name: str) -> None:
    body = {name: DOCUMENTS, "top_k": 3, "return_input": True}
    answer = ask(service, "/v1/reranking", **body)
    assert answer["object"] == "list" and answer["top_k"] == 3 and answer["return_input"] is True
    assert answer["data"][0] == {
        "index": 1,
        "score": pytest.approx(1.0, abs=ROUGH),
        "input": DOCUMENTS[1],
        "object": "rank_result",
    }
    assert ask(service, "/v1/reranking", input="one text")["data"][0]["input"] is None


def test_top_n_cuts_results_and_not_scores(service: Running) -> None:
    answer = ask(service, documents=DOCUMENTS, top_n=1)
    assert len(answer["results"]) == 1 and len(answer["scores"]) == 5
    assert len(ask(service, documents=DOCUMENTS, top_n=0)["results"]) == 5
    assert len(ask(service, documents=DOCUMENTS, top_n=99)["results"]) == 5


def test_objects_are_ranked_by_the_fields_that_are_named(service: Running) -> None:
    documents = [
        {"title": "cat", "body": "sat"},
        {"title": "wing", "body": "lift", "n": 3, "none": None},
    ]
    fields = ["title", "body", "n", "none", "absent"]
    answer = ask(service, documents=documents, rank_fields=fields)
    assert answer["scores"] == pytest.approx(
        expected(documents=["cat\nsat", "wing\nlift\n3"]), abs=1e-6
    )
    refused = service.post("/rerank", {"query": QUERY, "documents": documents})
    assert refused.status_code == 422 and "rank_fields" in refused.json()["error"]


def test_scores_are_floats_that_opensearch_reads(service: Running) -> None:
    documents = [f"{'wing ' * (n % 3)} {n} drag cat" for n in range(300)] + [QUERY]
    for raw in (False, True):
        text = service.post(
            "/rerank", {"query": QUERY, "documents": documents, "raw_scores": raw}
        ).text
        numbers = re.findall(r'"relevance_score":([^,}]+)', text)
        assert len(numbers) == len(documents)
        for number in numbers:
            assert re.fullmatch(r"-?\d+\.\d{1,6}", number) and len(number) <= 18, number


def test_raw_scores_are_sums(service: Running) -> None:
    answer = ask(service, documents=DOCUMENTS, raw_scores=True)
    assert answer["score_type"] == "maxsim_sum"
    assert answer["scores"] == pytest.approx([2 * score for score in expected()], abs=1e-5)


def test_equal_scores_keep_the_order_that_came(service: Running) -> None:
    answer = ask(service, documents=["cat", "wing", "cat", "wing", "cat"])
    assert [each["index"] for each in answer["results"]] == [1, 3, 0, 2, 4]


def test_no_documents(service: Running) -> None:
    assert ask(service, documents=[])["results"] == []
    assert ask(service, "/v1/reranking", input=[])["data"] == []
    refused = service.post("/rerank", {"query": QUERY, "texts": []})
    assert refused.status_code == 400 and refused.json()["error_type"] == "Empty"


def test_a_query_without_words_keeps_the_order_and_says_so(service: Running) -> None:
    answer = ask(service, query=" ", documents=DOCUMENTS)
    assert answer["scores"] == [0.0] * 5
    assert [each["index"] for each in answer["results"]] == [0, 1, 2, 3, 4]
    assert "no words" in answer["notes"][0]


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        ({"instruction": "newest first"}, "instruction"),
        ({"metadata": [{"date": "2024-01-01"}]}, "metadata"),
        ({"now": "2026-01-01"}, "now"),
    ],
)
def test_what_maxsim_does_not_use_is_said(
    service: Running, extra: dict[str, Any], name: str
) -> None:
    answer = service.post("/v2/rerank", {"query": QUERY, "documents": DOCUMENTS} | extra)
    assert answer.json()["notes"] == [f"{name} was not used: mode maxsim ranks by the query alone"]
    assert answer.json()["meta"]["warnings"] == answer.json()["notes"]
    assert name in answer.headers["x-rerank-notes"]
    assert answer.json()["scores"] == ask(service, documents=DOCUMENTS)["scores"]


def test_extras_of_others_are_tolerated(service: Running) -> None:
    extras = {
        "model": "rerank-v3.5",
        "mode": "maxsim",
        "instruction": "",
        "priority": 3,
        "max_chunks_per_doc": 10,
        "truncation_direction": "Right",
        "on_error": "fail",
        "return_documents": None,
        "texts": None,
        "input": None,
    }
    assert ask(service, documents=DOCUMENTS, **extras)["notes"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"documents": ["a"]}, "query"),
        ({"query": QUERY}, "one of documents, texts and input; none of them is there"),
        ({"query": QUERY, "documents": ["a"], "texts": ["b"]}, "documents and texts is there"),
        ({"query": QUERY, "documents": [1]}, "documents.0"),
        ({"query": QUERY, "documents": "a"}, "documents"),
        ({"query": QUERY, "documents": ["a"], "mode": "listwise"}, '"maxsim" is the only one'),
        ({"query": QUERY, "documents": ["a"], "top_n": -1}, "top_n"),
        ({"query": QUERY, "documents": ["a"], "timeout_ms": 0}, "timeout_ms"),
        ({"query": QUERY, "documents": ["a"], "on_error": "hope"}, "on_error"),
        ({"query": 5, "documents": ["a"]}, "query"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(service: Running, body: Any, words: str) -> None:
    answer = service.post("/v1/rerank", body)
    assert answer.status_code == 422
    error = answer.json()
    assert words in error["error"] and error["message"] == error["error"]
    assert error["error_type"] == "Validation" and error["id"] == answer.headers["x-request-id"]


def test_long_documents_are_read_in_part_and_this_is_said(service: Running) -> None:
    long = "wing " * 600 + "lift"
    answer = ask(service, documents=[long, "wing"])
    assert answer["truncated"] == [0] and answer["scores"][0] == answer["scores"][1]
    assert ask(service, documents=[long], max_tokens_per_doc=700)["truncated"] == []
    assert ask(service, documents=["cat wing lift"], max_tokens_per_doc=1)["truncated"] == [0]
    for name in ("truncate", "truncation"):
        body = {"query": QUERY, "documents": ["wing", long], name: False}
        refused = service.post("/rerank", body)
        assert refused.status_code == 422 and "at 1 have more than 512" in refused.json()["error"]


def test_kept_vectors_are_used_and_give_the_same_scores(tmp_path: Path) -> None:
    with running(store=str(tmp_path)) as service:
        first = ask(service, documents=DOCUMENTS)
        service.service.kept.flush()
        second = ask(service, documents=[*DOCUMENTS, "new"])
        assert (first["cached_documents"], second["cached_documents"]) == (0, 5)
        assert second["scores"][:5] == first["scores"]
        assert service.metric('vectors_total{source="kept"}') == 5
        assert service.metric('vectors_total{source="encoded"}') == 6


def test_what_is_kept_in_part_is_read_again_where_more_is_asked(tmp_path: Path) -> None:
    long = "wing " * 600 + "lift"
    with running(store=str(tmp_path)) as service:
        ask(service, documents=[long])
        service.service.kept.flush()
        more = ask(service, documents=[long], max_tokens_per_doc=700)
        assert (more["cached_documents"], more["truncated"]) == (0, [])
        service.service.kept.flush()
        less = ask(service, documents=[long], max_tokens_per_doc=5)
        assert (less["cached_documents"], less["truncated"]) == (1, [0])


def test_documents_encoded_before_are_found_by_their_text(tmp_path: Path) -> None:
    with running(store=str(tmp_path)) as service:
        service.post("/v1/encode", {"input": DOCUMENTS})
        service.service.kept.flush()
        answer = ask(service, "/v1/rerank", documents=DOCUMENTS)
        assert answer["cached_documents"] == 5
        assert answer["scores"] == pytest.approx(expected(), abs=1e-6)


def test_a_request_may_bring_its_vectors(service: Running) -> None:
    items = service.post("/v1/encode", {"input": DOCUMENTS, "vectors": True}).json()["data"]
    packed = [item["vectors"] for item in items]
    packed[3] = None
    answer = ask(service, documents=["other words"] * 3 + DOCUMENTS[3:], vectors=packed)
    assert answer["scores"] == pytest.approx(expected(), abs=1e-6)


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        ([], "0 entries for 1"),
        ([{"dtype": "float16", "shape": [1, 8], "data": ""}], "32 dimensions"),
        ([{"dtype": "float16", "shape": [1, 32], "data": "AAAA"}], "base64"),
        ([{"dtype": "float16", "shape": [1, 32], "data": "not base64!"}], "base64"),
        ([{"dtype": "float16", "shape": [-1, -1], "data": "AAA="}], "shape"),
        ([{"dtype": "float64", "shape": [1, 32], "data": ""}], "dtype"),
    ],
)
def test_vectors_that_are_none_are_refused(service: Running, packed: list[Any], words: str) -> None:
    body = {"query": QUERY, "documents": ["a"], "vectors": packed}
    answer = service.post("/rerank", body)
    assert answer.status_code == 422 and words in answer.json()["error"], answer.text


def test_a_bad_document_fails_alone_and_this_is_said() -> None:
    with running(watched_encoder()[0]) as service:
        answer = ask(service, documents=["wing", "poison", "cat"])
        assert answer["rerank_status"] == "partial" and answer["failed"] == [1]
        assert answer["scores"][1] == -1.0 < answer["scores"][2]
        assert "at 1" in answer["fallback_reason"]
        nothing = service.post("/rerank", {"query": QUERY, "documents": ["poison"]})
        assert nothing.status_code == 500
        query = service.post("/rerank", {"query": "poison", "documents": ["wing"]})
        assert query.status_code == 500 and "query" in query.json()["error"]


def test_a_late_rerank_fails_or_keeps_the_order_as_asked() -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1) as service:
        backbone.open.clear()
        body = {"query": QUERY, "documents": DOCUMENTS, "timeout_ms": 50}
        late = service.post("/v2/rerank", body)
        assert late.status_code == 504 and late.json()["error_type"] == "Timeout"
        kept = service.post("/v2/rerank", body | {"on_error": "passthrough"})
        backbone.open.set()
        assert kept.status_code == 200 and kept.headers["x-rerank-status"] == "fallback"
        answer = kept.json()
        assert answer["rerank_status"] == "fallback" and "timeout_ms" in answer["fallback_reason"]
        assert answer["scores"] == [1.0, 0.8, 0.6, 0.4, 0.2]
        assert answer["score_type"] == "position"
        assert [each["index"] for each in answer["results"]] == [0, 1, 2, 3, 4]
        assert service.metric('fallbacks_total{reason="DeadlinePassed"}') == 1


@pytest.mark.parametrize("hangs_up", [False, True])
def test_what_was_encoded_is_kept_where_the_rest_is_late(tmp_path: Path, hangs_up: bool) -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1, batch_tokens=8, store=str(tmp_path)) as service:
        backbone.shut_at = len(backbone.batches) + 3  # the query, and 2 documents or the empty one
        body = {"query": QUERY, "documents": DOCUMENTS, "timeout_ms": 500}
        if hangs_up:
            with pytest.raises(httpx.ReadTimeout):
                service.client.post("/v2/rerank", json=body, timeout=0.3)
        else:
            assert service.post("/v2/rerank", body).status_code == 504
        wait_until(lambda: service.metric('store_events_total{event="kept"}') in (2, 3, 4))
        backbone.open.set()
        answer = ask(service, documents=DOCUMENTS)
        assert answer["cached_documents"] in (2, 3, 4)
        assert answer["scores"] == pytest.approx(expected(), abs=1e-6)


def test_candidates_of_concurrent_requests_do_not_mix() -> None:
    """Each request's best document is its own query; the others are queries of its neighbours."""
    from concurrent.futures import ThreadPoolExecutor

    names = [f"topic{n} of{n} its{n} own{n}" for n in range(40)]

    def ask_for(n: int) -> tuple[int, int]:
        documents = names[n:] + names[:n]
        shifted = documents[5:] + documents[:5]
        answer = ask(service, query=names[n], documents=shifted)
        return answer["results"][0]["index"], len(answer["scores"])

    with running(threads=2, batch_tokens=256) as service, ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask_for, range(40)))
    assert found == [(35, 40)] * 40


def test_answers_are_strict_json(service: Running) -> None:
    text = service.post("/rerank", {"query": QUERY, "documents": DOCUMENTS}).text
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))
