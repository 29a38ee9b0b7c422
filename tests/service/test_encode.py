from __future__ import annotations

import base64
import threading
from pathlib import Path

import numpy as np
import pytest

from latent_terms import LatentTerms
from latent_terms.testing import hash_encoder

from .serving import Running, running, wait_until, watched_encoder

ENCODER = hash_encoder(threads=1)
TEXTS = ["the cat sat", "a wing has lift", "a wing has lift and drag " * 200]
TERMS = list(ENCODER.encode_documents(TEXTS))


def test_documents_are_spelled_as_the_encoder_spells_them(service: Running) -> None:
    answer = service.post("/v1/encode", {"input": TEXTS, "input_type": "document"}).json()
    assert [item["latent_text"] for item in answer["data"]] == [t.spell() for t in TERMS]
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert {item["model"] for item in answer["data"]} == {"hash@000000000000"}
    assert answer["usage"]["total_tokens"] == sum(len(text.split()) for text in TEXTS)
    assert "latent_query" not in answer["data"][0]


def test_queries_are_spelled_with_the_most_telling_term_first(service: Running) -> None:
    answer = service.post("/v1/encode", {"input": TEXTS[1], "input_type": "query"}).json()
    assert answer["data"][0]["latent_query"] == ENCODER.encode_query(TEXTS[1]).spell()
    assert "latent_text" not in answer["data"][0]


def test_frequencies_are_spelled_where_asked(service: Running) -> None:
    answer = service.post("/v1/encode", {"input": TEXTS[0], "spelling": "frequencies"}).json()
    assert answer["data"][0]["latent_text"] == TERMS[0].spell_frequencies()


def test_a_bare_list_of_maps_is_what_sparse_encoding_reads(service: Running) -> None:
    answer = service.post("/v1/encode", {"input": TEXTS, "format": "maps"}).json()
    assert answer == [dict(terms) for terms in TERMS]


def test_tokens_and_weights_are_what_the_custom_service_reads(service: Running) -> None:
    body = {"input": TEXTS, "format": "sparse", "input_type": "ingest"}
    for item, terms in zip(service.post("/v1/encode", body).json()["data"], TERMS, strict=True):
        pairs = [(each["token"], each["weight"]) for each in item["embedding"]]
        assert pairs == list(terms.items())


def test_a_map_of_terms_comes_beside_the_text(service: Running) -> None:
    answer = service.post("/v1/encode", {"input": TEXTS[0], "format": "terms"}).json()
    item = answer["data"][0]
    assert list(item["terms"].items()) == list(TERMS[0].items())
    assert LatentTerms.parse(item["latent_text"]) == TERMS[0]


@pytest.mark.parametrize("given", [None, [None], [""], ["  "]])
def test_null_and_empty_texts_have_no_terms(service: Running, given: object) -> None:
    answer = service.post("/v1/encode", {"input": given, "format": "terms"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"][0]["latent_text"] == ""
    assert answer.json()["data"][0]["terms"] == {}


def test_no_texts_give_no_items(service: Running) -> None:
    assert service.post("/v1/encode", {"input": []}).json()["data"] == []


@pytest.mark.parametrize("name", ["input", "inputs", "texts", "text_docs"])
def test_other_names_of_the_input_are_understood(service: Running, name: str) -> None:
    body = {name: ["the cat sat"], "unknown": {"field": 1}}
    answer = service.post("/v1/encode", body).json()
    assert answer["data"][0]["latent_text"] == TERMS[0].spell()


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "text/plain", ""])
def test_a_body_is_json_whatever_its_content_type_says(service: Running, kind: str) -> None:
    body = b'{"input": "the cat sat"}'
    answer = service.client.post("/v1/encode", content=body, headers={"Content-Type": kind})
    assert answer.json()["data"][0]["latent_text"] == TERMS[0].spell()


def test_token_vectors_come_in_half_precision(service: Running) -> None:
    body = {"input": ["the cat sat", ""], "vectors": True}
    items = service.post("/v1/encode", body).json()["data"]
    packed = items[0]["vectors"]
    assert packed["dtype"] == "float16" and packed["shape"] == [3, 32]
    halves = np.frombuffer(base64.b64decode(packed["data"]), "<f2").reshape(3, 32)
    reader = ENCODER.documents
    (reading,) = reader.read(list(reader.windows("the cat sat")), vectors=True)
    assert reading.vectors is not None
    assert np.array_equal(halves, reading.vectors.astype(np.float16))
    assert items[1]["vectors"]["shape"] == [0, 32]


def test_embeddings_are_the_encoders_own(service: Running) -> None:
    body = {"input": TEXTS, "model": "anything"}
    answer = service.post("/v1/embeddings", body).json()
    expected = list(ENCODER.embed_documents(TEXTS))
    found = [item["embedding"] for item in answer["data"]]
    assert np.allclose(found, expected, atol=1e-6)
    assert answer["object"] == "list" and answer["data"][2]["index"] == 2


def test_embeddings_in_base64_are_exact(service: Running) -> None:
    body = {"input": "the cat", "encoding_format": "base64", "dimensions": 32}
    answer = service.post("/v1/embeddings", body).json()
    vector = np.frombuffer(base64.b64decode(answer["data"][0]["embedding"]), "<f4")
    assert np.array_equal(vector, next(ENCODER.embed_documents(["the cat"])))


def test_dimensions_that_the_model_does_not_have_are_refused(service: Running) -> None:
    answer = service.post("/v1/embeddings", {"input": "x", "dimensions": 8})
    assert answer.status_code == 422 and "this model has 32" in answer.json()["error"]


def test_one_bad_text_fails_its_request_and_no_other() -> None:
    encoder, backbone = watched_encoder()
    with running(encoder, threads=1) as service:
        backbone.open.clear()
        answers: dict[str, object] = {}

        def ask(*texts: str) -> None:
            answers[texts[0]] = service.post("/v1/encode", {"input": texts})

        threads = [
            threading.Thread(target=ask, args=texts)
            for texts in [("first",), ("good one", "good two"), ("bad", "poison here", "b")]
        ]
        for n, thread in enumerate(threads):
            thread.start()
            wait_until(lambda n=n: service.service.encoding.batcher.waiting_tokens >= 8 * n)
        backbone.open.set()
        for thread in threads:
            thread.join()
        assert answers["first"].status_code == answers["good one"].status_code == 200
        assert answers["bad"].status_code == 500
        assert "1 of 3 texts, at 1" in answers["bad"].json()["error"]
        assert "poison" not in answers["bad"].text
        assert service.metric("failed_texts_total") >= 1


def test_what_is_encoded_is_kept_for_reranking(tmp_path: Path) -> None:
    with running(store=str(tmp_path)) as service:
        service.post("/v1/encode", {"input": TEXTS})
        service.post("/v1/encode", {"input": ["a query"], "input_type": "query"})
        service.service.kept.flush()
        kept = service.service.kept.find([*TEXTS, "a query"], tokens=512)
        lengths = [each and len(each.vectors) for each in kept]
        assert lengths == [3, 4, 512, None]
        assert service.metric('store_events_total{event="kept"}') == 3
        assert service.metric("store_records") == 3
