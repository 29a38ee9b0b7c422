"""The doctor follows an index's pipelines to the models that they call."""

from __future__ import annotations

import time

import pytest

from adapters.doctor.examination import Case
from adapters.doctor.examine import examine
from adapters.doctor.finding import Finding
from adapters.server.cluster import Cluster

from ..clients.served import KEY, Served
from .books import Books, books, sidecar_of

pytestmark = pytest.mark.engine


def pipelines(shelf: Books) -> list[Finding]:
    found = examine(Case(shelf.cluster, shelf.index))
    return [finding for finding in found if finding.check == "pipelines"]


def test_a_model_that_is_not_deployed_is_found_and_deployed(
    opensearch: Cluster, service: Served
) -> None:
    with books(opensearch) as shelf:
        shelf.setup.install(shelf.wanted(sidecar_of(service)), attach=True)
        body = {"index.search.default_pipeline": shelf.names.base}
        opensearch.request("PUT", f"/{shelf.index}/_settings", body=body)
        healthy = pipelines(shelf)
        assert len(healthy) == 4  # an ingest and a search pipeline, each with its model
        assert {finding.level for finding in healthy} == {"ok"}
        asked = examine(Case(opensearch, shelf.index, sidecar=service.url, sidecar_key=KEY))
        assert {f.level for f in asked if f.check in ("calls", "sidecar")} == {"ok"}
        model = next(finding for finding in healthy if finding.sentence.startswith("The model"))
        id = model.sentence.partition("(")[2].partition(")")[0]
        opensearch.request("POST", f"/_plugins/_ml/models/{id}/_undeploy")
        failed = [finding for finding in pipelines(shelf) if finding.level == "fail"]
        assert [id in finding.sentence for finding in failed] == [True]
        for request in failed[0].requests:
            opensearch.request(request.method, request.path, body=request.body)
        until_all_is_well(shelf)


def until_all_is_well(shelf: Books) -> None:
    """Deploying goes on in the background."""
    end = time.monotonic() + 20
    while {finding.level for finding in pipelines(shelf)} != {"ok"}:
        assert time.monotonic() < end, pipelines(shelf)
        time.sleep(0.1)
