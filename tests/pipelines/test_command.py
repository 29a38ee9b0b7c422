"""`latent-terms pipeline` against real engines and a real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result

from adapters.pipelines.pipelines import Names
from adapters.pipelines.setup_opensearch import OpenSearchSetup
from adapters.server.cluster import Cluster
from latent_terms.commands.models import read_manifest

from ..clients.served import KEY, Served
from ..cluster.command import run
from .books import FIELDS, Books, books, hits, spelled, terms_of

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shelf(opensearch: Cluster) -> Iterator[Books]:
    """Nothing installed at first; the tests come in the order of a user's steps."""
    with books(opensearch) as shelf:
        yield shelf


@pytest.fixture(scope="module")
def bare(opensearch: Cluster) -> Iterator[Books]:
    """Nothing is ever installed for it."""
    with books(opensearch) as shelf:
        yield shelf


@pytest.fixture(scope="module")
def elastic_shelf(elasticsearch: Cluster) -> Iterator[Books]:
    with books(elasticsearch) as shelf:
        yield shelf


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_TERMS_SIDECAR_KEY", KEY)


def install(shelf: Books, service: Served, *more: object, code: int = 0) -> Result:
    fields = ",".join(FIELDS)
    options = ("--sidecar", service.url, "--fields", fields, "--batch-size", 4, *more)
    return run("pipeline", "install", shelf.address, *options, code=code)


def state(shelf: Books) -> dict[str, Any]:
    shown = run("pipeline", "show", shelf.address, "--json").stdout
    found: dict[str, Any] = json.loads(shown)
    return found


def send(shelf: Books, requests: list[dict[str, Any]]) -> None:
    """What was shown, by hand: the key put in, and the ids that the server gives."""
    ids: dict[str, str] = {}
    for request in requests:
        body = json.dumps(request["body"]).replace("KEY OF THE SIDECAR", KEY)
        for name, id in ids.items():
            body = body.replace(f"ID OF {name}", id)
        answer = shelf.cluster.request(request["method"], request["path"], body=json.loads(body))
        if "model_id" in answer.body:
            ids[request["body"]["name"]] = answer.body["model_id"]


def test_the_requests_that_are_shown_put_up_the_same(shelf: Books, service: Served) -> None:
    shown = install(shelf, service, "--attach", "--dry-run", "--json")
    assert f'"{KEY}"' not in shown.output
    assert not shelf.setup.removal(), "showing them changed something"
    send(shelf, json.loads(shown.stdout)["requests"])
    found = state(shelf)
    assert found["attached"] and len(found["parts"]) == 6
    assert install(shelf, service, "--attach", "--dry-run").stdout.count("_register") == 0


def test_installing_again_changes_nothing(shelf: Books, service: Served) -> None:
    first = json.loads(install(shelf, service, "--attach", "--json").stdout)
    assert first["complete"] and first["attached"]
    assert json.loads(install(shelf, service, "--attach", "--json").stdout) == first == state(shelf)


def test_the_doctor_is_content(shelf: Books, service: Served) -> None:
    sidecar = ("--sidecar", service.url, "--sidecar-key", KEY)
    found = json.loads(run("doctor", shelf.address, *sidecar, "--json").stdout)["findings"]
    assert [finding["level"] for finding in found if finding["level"] != "ok"] == []
    names = shelf.names
    assert any(
        finding["check"] == "pipelines" and names.models["documents"] in finding["sentence"]
        for finding in found
    )


def test_the_search_that_is_shown_finds_what_was_written(shelf: Books) -> None:
    source = {"title": "the sky is blue"}
    shelf.bulk({"1": source, "2": {"title": "a cat"}}, refresh=True)
    assert spelled(shelf.source("1")[shelf.names.field]) == terms_of(source)
    (example,) = state(shelf)["search"]
    answer = shelf.cluster.request(example["method"], example["path"], body=example["body"]).body
    assert [id for id, _ in hits(answer)] == ["1"]
    assert answer["hits"]["hits"][0]["_source"] == source


def test_a_model_that_no_longer_works_is_replaced(shelf: Books, service: Served) -> None:
    before = {part["name"]: part["id"] for part in state(shelf)["parts"] if part["id"]}
    broken = shelf.names.models["queries"]
    path = f"/_plugins/_ml/models/{before[broken]}"
    connector = shelf.cluster.request("GET", path).body["connector"]
    shelf.cluster.request(
        "PUT", path, body={"connector": connector | {"credential": {"key": "of before"}}}
    )
    after = json.loads(install(shelf, service, "--json").stdout)
    assert after["complete"]
    ids = {part["name"]: part["id"] for part in after["parts"] if part["id"]}
    assert {name for name, id in ids.items() if before[name] != id} == {broken}
    body = {"query": {"match": {shelf.names.field: "blue"}}}
    assert hits(shelf.search(body, shelf.names.base))


def test_a_new_key_is_taken_when_it_is_asked_for(shelf: Books, service: Served) -> None:
    before = state(shelf)
    refused = install(shelf, service, "--sidecar-key", "wrong", code=1)
    assert "wants its key, or another one" in refused.stderr
    assert state(shelf) == before
    after = json.loads(install(shelf, service, "--renew", "--json").stdout)
    assert after["complete"]
    old, new = (
        {part["id"] for part in found["parts"] if part["kind"] == "model"}
        for found in (before, after)
    )
    assert len(new) == 3 and not old & new
    assert all(
        shelf.cluster.request("GET", f"/_plugins/_ml/models/{id}", accept=(404,)).status == 404
        for id in old
    )


def test_an_ingest_pipeline_of_others_is_left_alone(shelf: Books, service: Served) -> None:
    setting = "index.default_pipeline"
    path = f"/{shelf.index}/_settings"
    shelf.cluster.request("PUT", path, body={setting: "theirs"})
    try:
        refused = install(shelf, service, "--attach", code=1)
        assert "'theirs'" in refused.stderr and f"?pipeline={shelf.names.base}" in refused.stderr
        assert not state(shelf)["attached"]
    finally:
        shelf.cluster.request("PUT", path, body={setting: shelf.names.base})


def test_removing_takes_everything_down_and_the_index_is_written_as_before(shelf: Books) -> None:
    requests = json.loads(run("pipeline", "remove", shelf.address, "--dry-run", "--json").stdout)
    assert len(requests["requests"]) == 1 + 3 + 2 * 3
    assert state(shelf)["complete"]
    run("pipeline", "remove", shelf.address)
    found = state(shelf)
    assert {part["state"] for part in found["parts"]} == {"missing"} and not found["attached"]
    (outcome,) = shelf.bulk({"3": {"title": "plain"}})
    assert outcome["status"] == 201
    assert "Nothing was there" in run("pipeline", "remove", shelf.address).stderr


def test_an_address_that_is_not_trusted_is_answered_by_the_setting(bare: Books) -> None:
    options = ("--sidecar", "http://[::1]:8080", "--model", "minilm-en", "--fields", "title")
    refused = run("pipeline", "install", bare.address, *options, code=1)
    request = refused.stderr.partition("PUT /_cluster/settings\n")[2]
    (patterns,) = json.loads(request)["persistent"].values()
    assert len(patterns) >= 2 and patterns[-1] == r"^http://\[::1\]:8080/.*$"
    assert not bare.setup.removal()


def test_a_key_that_the_cluster_is_refused_with_leaves_nothing(
    bare: Books, service: Served
) -> None:
    options = ("--sidecar", service.url, "--model", "minilm-en", "--sidecar-key", "wrong")
    refused = run("pipeline", "install", bare.address, *options, "--fields", "title", code=1)
    assert "no key, or one that is not known" in refused.stderr
    names = Names(bare.index, read_manifest("minilm-en").fingerprint)
    assert not OpenSearchSetup(bare.cluster, names).removal()


def test_another_model_than_the_sidecars_is_refused(bare: Books, service: Served) -> None:
    options = ("--sidecar", service.url, "--model", "minilm-en", "--fields", "title")
    refused = run("pipeline", "install", bare.address, *options, code=1)
    assert "this service runs hash@000000000000" in refused.stderr


def test_a_sidecar_that_is_not_there_is_said(bare: Books) -> None:
    options = ("--sidecar", "http://127.0.0.1:9", "--fields", "title")
    refused = run("pipeline", "install", bare.address, *options, code=1)
    assert "cannot be reached" in refused.stderr and "--model" in refused.stderr


def test_a_field_that_is_not_there_is_refused(bare: Books, service: Served) -> None:
    options = ("--sidecar", service.url, "--fields", "titel")
    refused = run("pipeline", "install", bare.address, *options, code=1)
    assert "'titel'" in refused.stderr and "about.body" in refused.stderr


def test_elasticsearch_gets_two_endpoints(elastic_shelf: Books, service: Served) -> None:
    shelf = elastic_shelf
    options = ("--sidecar", service.url)
    shown = run("pipeline", "install", shelf.address, *options, "--dry-run", "--json")
    assert f'"{KEY}"' not in shown.output
    send(shelf, json.loads(shown.stdout)["requests"])
    first = json.loads(run("pipeline", "install", shelf.address, *options, "--json").stdout)
    assert first["complete"] and len(first["parts"]) == 2
    query, search = first["search"]
    encoded = shelf.cluster.request(query["method"], query["path"], body=query["body"]).body
    assert encoded["completion"][0]["result"].startswith("t")
    assert search["path"] == f"/{shelf.index}/_search"


def test_elasticsearch_has_nothing_to_attach(elastic_shelf: Books, service: Served) -> None:
    options = ("--sidecar", service.url, "--attach")
    refused = run("pipeline", "install", elastic_shelf.address, *options, code=1)
    assert "latent-terms backfill" in refused.stderr


def test_elasticsearch_is_told_the_key_that_works(elastic_shelf: Books, service: Served) -> None:
    options = ("--sidecar", service.url, "--model", "minilm-en", "--sidecar-key", "wrong")
    refused = run("pipeline", "install", elastic_shelf.address, *options, code=1)
    assert "no key, or one that is not known" in refused.stderr
    elastic_shelf.setup.remove()
    assert not elastic_shelf.setup.removal()
