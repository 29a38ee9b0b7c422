"""Documents that OpenSearch has encoded on their way in."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from typing import Any

import pytest

from adapters import SearchRequest
from adapters.pipelines import models as pipeline_models
from adapters.pipelines.opensearch import ingest_pipeline
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

from ..clients.served import KEY, Served
from .books import ENCODER, TITLES, Books, sidecar_of, spelled, terms_of

pytestmark = pytest.mark.engine

ODD: list[dict[str, Any]] = [
    {"title": "plain text", "about": {"body": "and more of it", "year": 1903}},
    {"title": '{"json": true}'},
    {"title": "[1, 2]"},
    {"title": "null", "about": None},
    {"title": ["a list", None, ["in a list", 3, True]], "about": {"body": None}},
    {"title": 'say "hi" \\ \n\t\u2028 \x07 \U0001f600 é'},
    {"title": "${parameters.input} ${parameters.x} ${credential.key} $ { #{x} {{y}}"},
    {"about": [{"body": "objects"}, {"body": ["in", "a list"]}, {"year": 3}]},
    {"title": None},
    {"title": ""},
    {"title": " \n "},
    {"title": "!?"},
    {"title": 5},
    {"kind": "no text at all"},
    {},
    {"title": "w " * 3000},
]


def calls(service: Served) -> int:
    """How often the service has encoded."""
    counted = re.search(
        r'^latent_terms_requests_total{route="/v1/encode",status="200"} (\d+)',
        service.http.get("/metrics").text,
        re.MULTILINE,
    )
    return int(counted[1]) if counted else 0


def test_a_document_gets_the_terms_of_its_text_and_nothing_else_is_changed(shelf: Books) -> None:
    for source, found in zip(ODD, shelf.simulate(ODD), strict=True):
        latent = found.pop(shelf.names.field)
        assert (spelled(latent), found) == (terms_of(source), source), source


def test_a_name_with_a_dot_becomes_an_object_as_opensearch_has_it(shelf: Books) -> None:
    (found,) = shelf.simulate([{"about.body": "a name with a dot"}])
    latent = found.pop(shelf.names.field)
    assert found == {"about": {"body": "a name with a dot"}}
    assert spelled(latent) == terms_of(found)


def test_a_document_written_back_gets_the_terms_of_its_new_text(shelf: Books) -> None:
    stale = shelf.source("1") | {"title": "another", f"{shelf.names.field}_hash": "of before"}
    (found,) = shelf.simulate([stale])
    assert spelled(found[shelf.names.field]) == terms_of({"title": "another"})
    assert f"{shelf.names.field}_hash" not in found


def test_a_partial_update_by_bulk_does_not_pass_the_pipeline(shelf: Books, service: Served) -> None:
    """So a back-fill does not make the cluster encode what it has encoded itself."""
    shelf.bulk({"partial": {"title": "before"}})
    before = calls(service)
    try:
        update = {"update": {"_index": shelf.index, "_id": "partial"}}
        lines = f'{json.dumps(update)}\n{{"doc": {{"title": "after"}}}}\n'
        assert shelf.cluster.bulk(lines.encode()).ok
        found = shelf.source("partial")
        assert found["title"] == "after" and calls(service) == before
        assert spelled(found[shelf.names.field]) == terms_of({"title": "before"})
    finally:
        shelf.cluster.request("DELETE", f"/{shelf.index}/_doc/partial")


def test_documents_of_a_bulk_request_are_encoded_in_batches(shelf: Books, service: Served) -> None:
    before = calls(service)
    sources = {f"batch-{n}": {"title": f"title {n}"} for n in range(10)}
    shelf.bulk(sources, refresh=True)
    assert calls(service) == before + 3  # batches of 4
    try:
        for id, source in sources.items():
            assert spelled(shelf.source(id)[shelf.names.field]) == terms_of(source)
    finally:
        path = f"/{shelf.index}/_delete_by_query?refresh=true"
        shelf.cluster.request("POST", path, body={"query": {"prefix": {"title": "title"}}})


def test_an_index_with_frequencies_is_spelled_in_frequencies(shelf: Books, service: Served) -> None:
    wanted = shelf.wanted(sidecar_of(service))
    frequencies = replace(wanted, latent=replace(wanted.latent, spelling="frequencies"))
    model = {part.name: part.id for part in shelf.setup.installed().parts}
    documents = model[shelf.names.models["documents"]]
    pipeline = ingest_pipeline(frequencies, str(documents))
    body = {"pipeline": pipeline, "docs": [{"_source": {"title": "sea sea sky"}}]}
    (result,) = shelf.cluster.request("POST", "/_ingest/pipeline/_simulate", body=body).body["docs"]
    latent = result["doc"]["_source"][shelf.names.field]
    assert "|" in latent and spelled(latent) == terms_of({"title": "sea sea sky"})


def test_what_the_pipeline_wrote_is_found_by_the_engine(shelf: Books) -> None:
    engine = ServerEngine(shelf.cluster, shelf.index)
    assert engine.statistics().documents_with_terms == len(TITLES)
    terms = ENCODER.encode_query("sea sky")
    found = engine.search(SearchRequest(terms=terms, fingerprint=ENCODER.fingerprint))
    assert {hit.id for hit in found.hits} == {"1", "4", "6"}


def test_one_call_a_document_can_be_had_by_hand(opensearch: Cluster, service: Served) -> None:
    """By the processor `ml_inference`, which reads /v1/encode as it answers."""
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    register = {
        "name": name,
        "function_name": "remote",
        "connector": {
            "name": name,
            "version": "1",
            "protocol": "http",
            "credential": {"key": KEY},
            "parameters": {"skip_validating_missing_parameters": "true"},
            "actions": [
                {
                    "action_type": "PREDICT",
                    "method": "POST",
                    "url": f"{service.url}/v1/encode",
                    "headers": {"Authorization": "Bearer ${credential.key}"},
                    "request_body": '{"input": ${parameters.input}, "spelling": "frequencies"}',
                }
            ],
        },
    }
    model = pipeline_models.ensure(opensearch, "documents", register, ())
    encode = {
        "model_id": model,
        "input_map": [{"input": "$..title"}],
        "output_map": [{"latent": "$.data[0].latent_text"}],
        "override": True,
        "ignore_missing": True,
    }
    titles: list[Any] = [
        "a title",
        None,
        '{"a": 1}',
        "[1]",
        ["two", "titles"],
        "",
        "${parameters.x}",
    ]
    sources = [{"title": title, "latent": "stale"} for title in titles] + [{"other": "no title"}]
    body = {
        "pipeline": {"processors": [{"ml_inference": encode}]},
        "docs": [{"_source": source} for source in sources],
    }
    try:
        answer = opensearch.request("POST", "/_ingest/pipeline/_simulate", body=body).body
        found = [spelled(result["doc"]["_source"]["latent"]) for result in answer["docs"]]
    finally:
        pipeline_models.remove(opensearch, model)
    texts = ["a title", "", '{"a": 1}', "[1]", "two\ntitles", "", "${parameters.x}", ""]
    assert found == [dict(terms) for terms in ENCODER.encode_documents(texts)]
