"""What Elasticsearch's basic licence does not allow, and that the message mends it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from adapters.server.cluster import Cluster

from ..clients.served import KEY, Served
from ..cluster.command import run
from ..conftest import no_server
from ..servers import Missing, start

pytestmark = pytest.mark.engine


@pytest.fixture
def basic() -> Iterator[str]:
    """The address of an Elasticsearch of its own."""
    try:
        server = start("elasticsearch", settings={"xpack.license.self_generated.type": "basic"})
    except Missing as lacking:
        no_server(str(lacking))
    with server:
        yield server.url.replace("http://", "elasticsearch://")


def test_a_basic_licence_is_said_with_the_ways_out(
    basic: str, service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_TERMS_SIDECAR_KEY", KEY)
    command = ("pipeline", "install", f"{basic}/books", "--sidecar", service.url, "--json")
    refused = run(*command, code=1)
    assert "current license is non-compliant for [inference]" in refused.stderr
    assert "Have the client encode and rerank" in refused.stderr
    trial = "POST /_license/start_trial?acknowledge=true"
    assert refused.stderr.rstrip().endswith(trial)
    cluster = Cluster(basic)
    assert cluster.request(*trial.split()).ok
    cluster.close()
    assert json.loads(run(*command).stdout)["complete"]
