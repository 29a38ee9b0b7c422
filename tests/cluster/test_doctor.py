"""The doctor against real servers: what it finds, and that the requests it gives mend it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.doctor.examination import Case
from adapters.doctor.examine import examine
from adapters.doctor.finding import Finding
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

from ..service.serving import running
from .command import run
from .two_models import NEW, OLD, books, document

pytestmark = pytest.mark.engine


both = pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"], indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """One server will do where servers do not differ."""
    return str(getattr(request, "param", "opensearch"))


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue(f"{kind}_url"))


@pytest.fixture
def engine(url: str) -> Iterator[ServerEngine]:
    with books(url, documents=5) as engine:
        yield engine


def findings(engine: ServerEngine, **more: Any) -> list[Finding]:
    return list(examine(Case(engine.cluster, engine.index, **more)))


def bad(engine: ServerEngine, **more: Any) -> list[Finding]:
    return [finding for finding in findings(engine, **more) if finding.level != "ok"]


def mend(engine: ServerEngine, finding: Finding) -> None:
    assert finding.requests, finding
    for request in finding.requests:
        engine.cluster.request(request.method, request.path, body=request.body)


def mapping(engine: ServerEngine) -> Any:
    return engine.cluster.request("GET", f"/{engine.index}/_mapping").body[engine.index]["mappings"]


def settings(engine: ServerEngine, **values: object) -> None:
    body = {name.replace("_in_", "."): value for name, value in values.items()}
    engine.cluster.request("PUT", f"/{engine.index}/_settings", body=body)


@both
def test_a_healthy_index_is_ok_in_every_respect(engine: ServerEngine) -> None:
    found = findings(engine, fingerprint=OLD.fingerprint, terms_per_query=100)
    assert [finding for finding in found if finding.level != "ok"] == []
    assert {finding.check for finding in found} >= {
        *("version", "permissions", "clauses", "analysis", "disk", "index", "blocks"),
        *("fields", "model", "terms", "documents", "pipelines"),
    }


@both
def test_an_examination_changes_nothing(engine: ServerEngine) -> None:
    def state() -> Any:
        about = engine.cluster.request("GET", f"/{engine.index}").body
        stats = engine.cluster.request("GET", f"/{engine.index}/_stats").body["_all"]["total"]
        return about, stats["docs"]["count"], stats["indexing"]["index_total"]

    before = state()
    findings(engine)
    assert state() == before


@both
def test_documents_without_latent_terms_are_counted(engine: ServerEngine) -> None:
    engine.add([document(n, model=None) for n in (1, 7, 8)])
    engine.refresh()
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("documents", "warn")
    assert "3 of 7 documents" in finding.sentence
    assert finding.remedy == f"latent-terms backfill {engine.cluster.address}"


@both
def test_a_document_without_any_text_is_not_counted_as_lacking(engine: ServerEngine) -> None:
    engine.add([document(1, text=" "), document(2, text="...")], fingerprint=OLD.fingerprint)
    engine.refresh()
    assert bad(engine) == []


def test_another_model_than_the_indexs_is_named(engine: ServerEngine) -> None:
    (finding,) = bad(engine, fingerprint=NEW.fingerprint)
    assert (finding.check, finding.level) == ("model", "fail")
    assert OLD.fingerprint in finding.sentence and NEW.fingerprint in finding.sentence


@both
def test_a_block_is_lifted_by_the_request(engine: ServerEngine) -> None:
    settings(engine, index_in_blocks_in_write=True)
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("blocks", "fail")
    mend(engine, finding)
    assert bad(engine) == []
    assert engine.add([document(9)]) == 1


@both
def test_a_closed_index_is_opened_by_the_request(engine: ServerEngine) -> None:
    engine.cluster.request("POST", f"/{engine.index}/_close")
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("index", "fail")
    mend(engine, finding)
    engine.cluster.request("GET", f"/_cluster/health/{engine.index}?wait_for_status=yellow")
    assert bad(engine) == []


@both
def test_an_alias_that_leads_elsewhere_is_pointed_back(engine: ServerEngine) -> None:
    body = {"properties": {"latent_terms": {"type": "alias", "path": "title"}}}
    engine.cluster.request("PUT", f"/{engine.index}/_mapping", body=body)
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("terms", "fail")
    mend(engine, finding)
    assert bad(engine) == []


@both
def test_a_meta_that_another_program_replaced_is_put_back(engine: ServerEngine) -> None:
    path = f"/{engine.index}/_mapping"
    engine.cluster.request("PUT", path, body={"_meta": {"owner": "catalogue"}})
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("model", "fail")
    (finding,) = bad(engine, fingerprint=OLD.fingerprint)
    mend(engine, finding)
    assert bad(engine, fingerprint=OLD.fingerprint) == []
    assert mapping(engine)["_meta"]["owner"] == "catalogue"
    assert engine.describe().fingerprint == OLD.fingerprint


@both
def test_too_little_room_for_fields_is_mended_by_the_request(engine: ServerEngine) -> None:
    settings(engine, index_in_mapping_in_total_fields_in_limit=4)
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("fields", "warn")
    mend(engine, finding)
    assert bad(engine) == []


@both
def test_a_pipeline_that_does_not_exist_is_taken_out_by_the_request(engine: ServerEngine) -> None:
    settings(engine, index_in_default_pipeline="no-such-pipeline")
    (finding,) = bad(engine)
    assert (finding.check, finding.level) == ("pipelines", "fail")
    mend(engine, finding)
    assert bad(engine) == []


@both
def test_a_latent_field_mapped_by_somebody_else_first_is_found(url: str) -> None:
    with books(url) as engine:
        meta = mapping(engine)["_meta"]
        engine.cluster.request("DELETE", f"/{engine.index}")
        field = meta["latent_terms"]["active"]
        properties = {
            "title": {"type": "text"},
            field: {"type": "text"},
            "latent_terms": {"type": "alias", "path": field},
        }
        body = {"mappings": {"_meta": meta, "properties": properties}}
        engine.cluster.request("PUT", f"/{engine.index}", body=body)
        (finding,) = bad(engine)
        assert (finding.check, finding.level) == ("terms", "fail")
        assert "freqs" in finding.sentence


@both
def test_an_index_that_is_not_there_is_the_last_finding_about_it(url: str) -> None:
    cluster = Cluster(f"{url}/migration-no-such-index")
    found = list(examine(Case(cluster, "migration-no-such-index")))
    cluster.close()
    assert [finding.check for finding in found if finding.level == "fail"] == ["index"]
    assert not {"blocks", "documents"} & {finding.check for finding in found}


def test_too_few_clauses_are_found_where_the_setting_counts(opensearch_url: str) -> None:
    with books(opensearch_url) as engine:
        (finding,) = bad(engine, terms_per_query=2_000)
    assert (finding.check, finding.level) == ("clauses", "fail")
    assert [request.path for request in finding.requests] == ["/_cluster/settings"]


def test_a_model_that_a_pipeline_calls_must_be_there(opensearch_url: str) -> None:
    with books(opensearch_url, documents=1) as engine:
        plugins = engine.cluster.request("GET", "/_cat/plugins?h=component").body
        if "opensearch-ml" not in str(plugins):
            pytest.skip("this OpenSearch has no opensearch-ml")
        inference = {"model_id": "none-such", "input_map": [{"a": "title"}]}
        body = {"processors": [{"ml_inference": inference | {"output_map": [{"b": "c"}]}}]}
        engine.cluster.request("PUT", f"/_ingest/pipeline/{engine.index}", body=body)
        settings(engine, index_in_default_pipeline=engine.index)
        try:
            (finding,) = bad(engine)
        finally:
            settings(engine, index_in_default_pipeline="_none")
            engine.cluster.request("DELETE", f"/_ingest/pipeline/{engine.index}")
    assert (finding.check, finding.level) == ("pipelines", "fail")
    assert "none-such" in finding.sentence


def test_a_server_that_is_not_there_is_one_finding() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        cluster = Cluster(f"opensearch://127.0.0.1:{unused.getsockname()[1]}/books")
        (finding,) = examine(Case(cluster, "books"))
    assert (finding.check, finding.level) == ("connection", "fail")


def test_the_sidecar_is_asked_for_its_model(engine: ServerEngine) -> None:
    with running() as service:
        other = [f for f in findings(engine, sidecar=service.url) if f.check == "sidecar"]
        ours = findings(engine, sidecar=service.url, fingerprint="0" * 12)
    assert [f.level for f in other] == ["fail"]
    assert [f.level for f in ours if f.check == "sidecar"] == ["ok"]
    (gone,) = [f for f in findings(engine, sidecar=service.url) if f.check == "sidecar"]
    assert (gone.level, gone.remedy) == ("fail", "latent-terms serve")


def test_a_sidecar_with_keys_wants_one(engine: ServerEngine) -> None:
    with running(api_keys=("secret",)) as service:
        asked = {"sidecar": service.url, "fingerprint": "0" * 12}
        without = [f for f in findings(engine, **asked) if f.check == "sidecar"]
        with_key = findings(engine, **asked, sidecar_key="secret")
    assert ["401" in f.sentence for f in without] == [True]
    assert [f.level for f in with_key if f.check == "sidecar"] == ["ok"]


def test_what_is_no_sidecar_is_said_to_be_none(engine: ServerEngine, url: str) -> None:
    (finding,) = [f for f in findings(engine, sidecar=url) if f.check == "sidecar"]
    assert finding.level == "fail"
    assert "another service" in finding.sentence


def test_the_command_prints_what_to_send_and_fails(engine: ServerEngine) -> None:
    settings(engine, index_in_blocks_in_write=True)
    result = run("doctor", engine.cluster.address, code=1)
    assert f"PUT /{engine.index}/_settings" in result.stdout
    assert "1 failed" in result.stderr


def test_the_command_speaks_json_and_knows_models_by_name(engine: ServerEngine) -> None:
    found = json.loads(run("doctor", engine.cluster.address, "--json").stdout)["findings"]
    assert {finding["level"] for finding in found} == {"ok"}
    result = run("doctor", engine.cluster.address, "--model", "minilm-en", "--json", code=1)
    failed = [f for f in json.loads(result.stdout)["findings"] if f["level"] == "fail"]
    assert [finding["check"] for finding in failed] == ["model"]
    assert failed[0]["remedy"].startswith("latent-terms migrate start")
