"""Connecting: which server, with which credentials, over which certificate, by which host."""

from __future__ import annotations

import base64
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters import Document, Engine, Schema, Search, SearchRequest, connect
from adapters.doctor.examination import Case
from adapters.doctor.examine import examine
from adapters.errors import AccessDenied, EngineUnavailable, UnsupportedAddress
from adapters.server.cluster import Cluster

from ..servers import Server, start
from ..servers.certificate import Certificate, make_certificate
from ..servers.proxy import CutBefore, Proxy, Slow
from .guard import Guard

pytestmark = pytest.mark.engine

KINDS = ["opensearch", "elasticsearch"]
SECRET = "open sesame/ü"
BASIC = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    return str(request.getfixturevalue(f"{kind}_url"))


@pytest.fixture
def host(url: str) -> str:
    return url.removeprefix("http://")


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def test_the_kind_of_server_is_found_out(kind: str, url: str) -> None:
    with_cluster = Cluster(f"{url}/x")
    assert with_cluster.server.distribution == kind
    assert with_cluster.server.name.lower().startswith(kind)


def test_the_wrong_kind_is_named(kind: str, host: str) -> None:
    (other,) = set(KINDS) - {kind}
    with pytest.raises(UnsupportedAddress, match=f": write {kind}:// in front of it"):
        _ = Cluster(f"{other}://{host}/x").server


def test_a_host_that_is_down_is_passed_over(kind: str, host: str) -> None:
    hosts = f"127.0.0.1:{free_port()},{host},127.0.0.1:{free_port()}"
    cluster = Cluster(f"{kind}://{hosts}/x")
    for _ in range(6):
        assert cluster.request("GET", "/_cluster/health").ok


def test_no_host_at_all_is_said(kind: str) -> None:
    with pytest.raises(EngineUnavailable, match="cannot be reached.*Check the address"):
        _ = Cluster(f"{kind}://127.0.0.1:{free_port()}/x").server


def test_what_is_no_search_server_is_said(kind: str, host: str) -> None:
    """Below a path of a proxy somebody else may answer."""
    with pytest.raises(UnsupportedAddress, match="neither OpenSearch nor Elasticsearch"):
        _ = Cluster(f"{kind}://{host}/_cluster/health/x").server


def test_a_lost_search_is_sent_again_and_a_lost_write_is_not(kind: str, url: str) -> None:
    with Proxy(url, [CutBefore()], share=0) as proxy:
        cluster = Cluster(f"{proxy.url}/x")
        assert cluster.server.distribution == kind
        proxy.share = 1.0
        for path, attempts in (("/_search", 2), ("/_bulk", 1)):
            with pytest.raises(EngineUnavailable, match="connection broke"):
                cluster.request("POST", path, body=b"{}\n")
            assert proxy.requests[path[1:]] == attempts


def test_a_slow_answer_is_not_waited_for_longer_than_asked(url: str) -> None:
    with Proxy(url, [Slow(2.0)]) as proxy:
        cluster = Cluster(f"{proxy.url}/x", timeout=0.3)
        with pytest.raises(EngineUnavailable, match=r"no answer within 0\.3 seconds"):
            cluster.request("POST", "/_search", body={})
        assert proxy.requests["_search"] == 1


@pytest.mark.parametrize(
    ("user", "options"),
    [("", {"basic_auth": ("me", SECRET)}), ("me:open%20sesame%2F%C3%BC@", {})],
    ids=["option", "address"],
)
def test_user_and_password_reach_the_server(
    kind: str, url: str, certificate: Certificate, user: str, options: dict[str, Any]
) -> None:
    with Guard(url, certificate, BASIC) as guard:
        address = f"{kind}+https://{user}{guard.host}/x"
        cluster = Cluster(address, ca_certs=certificate.certificate, **options)
        assert cluster.request("GET", "/_cluster/health").ok
        assert SECRET not in repr(cluster) + str(cluster.address) + repr(cluster.address)


def test_an_api_key_reaches_the_server(kind: str, url: str, certificate: Certificate) -> None:
    with Guard(url, certificate, "ApiKey c2VjcmV0") as guard:
        address = f"https://{guard.host}/x"
        cluster = Cluster(address, ca_certs=certificate.certificate, api_key="c2VjcmV0")
        assert cluster.server.distribution == kind
        assert cluster.request("GET", "/_cluster/health").ok
        assert "c2VjcmV0" not in repr(cluster)


@pytest.mark.parametrize("options", [{}, {"basic_auth": ("me", "wrong")}, {"api_key": "wrong"}])
def test_wrong_credentials_are_said_without_showing_them(
    kind: str, url: str, certificate: Certificate, options: dict[str, Any]
) -> None:
    with Guard(url, certificate, BASIC) as guard:
        address = f"{kind}+https://{guard.host}/x"
        with (
            connect(address, ca_certs=certificate.certificate, **options) as engine,
            pytest.raises(AccessDenied, match="401.*right user and password") as caught,
        ):
            engine.count()
        assert "wrong" not in str(caught.value)


def test_a_fingerprint_stands_in_for_an_authority(
    kind: str, url: str, certificate: Certificate
) -> None:
    with Guard(url, certificate, BASIC) as guard:
        address = f"{kind}+https://me:open%20sesame%2F%C3%BC@{guard.host}/x"
        cluster = Cluster(address, certificate_fingerprint=certificate.fingerprint)
        assert cluster.request("GET", "/_cluster/health").ok
        wrong = Cluster(address, certificate_fingerprint="00" * 32)
        with pytest.raises(EngineUnavailable, match="no safe connection.*fingerprint"):
            _ = wrong.server


def test_a_certificate_of_an_unknown_authority_is_refused(
    kind: str, url: str, certificate: Certificate
) -> None:
    with (
        Guard(url, certificate, BASIC) as guard,
        pytest.raises(EngineUnavailable, match="no safe connection.*self.signed.*ca_certs"),
    ):
        _ = Cluster(f"{kind}+https://{guard.host}/x").server


def test_an_expired_certificate_is_refused(kind: str, url: str, tmp_path: Path) -> None:
    expired = make_certificate(tmp_path, days=-1)
    with (
        Guard(url, expired, BASIC) as guard,
        pytest.raises(EngineUnavailable, match="no safe connection.*expired"),
    ):
        _ = Cluster(f"{kind}+https://{guard.host}/x", ca_certs=expired.certificate).server


def test_tls_and_no_tls_mixed_up_are_said(
    kind: str, url: str, host: str, certificate: Certificate
) -> None:
    with pytest.raises(EngineUnavailable, match="speaks TLS"):
        _ = Cluster(f"{kind}+https://{host}/x", ca_certs=certificate.certificate).server
    with (
        Guard(url, certificate, BASIC) as guard,
        pytest.raises(EngineUnavailable, match="speaks TLS"),
    ):
        _ = Cluster(f"{kind}://{guard.host}/x").server


def test_two_kinds_of_credentials_are_one_too_many() -> None:
    with pytest.raises(UnsupportedAddress, match="not both"):
        connect("opensearch://me:x@h/i", api_key="k")


def test_a_missing_file_of_authorities_is_named() -> None:
    with pytest.raises(UnsupportedAddress, match=r"no file nowhere\.pem"):
        connect("opensearch+https://h/i", ca_certs="nowhere.pem")


@pytest.fixture(scope="module")
def secured() -> Iterator[Server]:
    """Elasticsearch with its own security on."""
    with start("elasticsearch", tls=True) as server:
        yield server


def engine_with(server: Server, index: str, *privileges: str) -> Engine:
    """Connected by an API key that may do so much and no more."""
    assert server.certificate is not None
    trusted: dict[str, Any] = {"ca_certs": server.certificate.certificate}
    admin = Cluster(server.url, basic_auth=("elastic", str(server.password)), **trusted)
    indices = [{"names": ["engines-*"], "privileges": privileges}]
    role = {"mine": {"cluster": ["monitor"], "indices": indices}}
    made = admin.request("POST", "/_security/api_key", body={"name": "k", "role_descriptors": role})
    admin.close()
    host = server.url.removeprefix("https://")
    address = f"elasticsearch+https://{host}/{index}"
    return connect(address, api_key=made.body["encoded"], **trusted)


def test_a_secured_elasticsearch_lets_each_key_do_what_it_may(secured: Server) -> None:
    """The privileges that docs/engines.md names."""
    index = f"engines-{uuid.uuid4().hex[:8]}"
    reading = ("read", "view_index_metadata")
    with engine_with(secured, index, *reading, "manage") as maker:
        maker.create(Schema(text=("title",)))
    with engine_with(secured, index, *reading, "write", "maintenance", "monitor") as writer:
        assert Search(writer).index([Document("a", {"title": "fox"})]).indexed == 1
        assert writer.statistics().documents == 1
        with pytest.raises(AccessDenied, match="403.*unauthorized.*Give the user or API key"):
            writer.drop()
    with engine_with(secured, index, *reading) as reader:
        assert reader.search(SearchRequest(text="fox")).total == 1
        for forbidden in (reader.refresh, lambda: reader.add([Document("b", {})])):
            with pytest.raises(AccessDenied, match="unauthorized"):
                forbidden()
    with (
        engine_with(secured, "other", "all") as stranger,
        pytest.raises(AccessDenied, match="unauthorized"),
    ):
        stranger.create(Schema(text=("title",)))


def test_the_doctor_gives_the_role_that_a_migration_needs(secured: Server) -> None:
    assert secured.certificate is not None
    trusted: dict[str, Any] = {"ca_certs": secured.certificate.certificate}
    name = f"engines-{uuid.uuid4().hex[:8]}"
    admin = Cluster(secured.url, basic_auth=("elastic", str(secured.password)), **trusted)
    admin.request("PUT", f"/{name}")
    reading = {"names": [name], "privileges": ["read", "view_index_metadata"]}
    role = {"cluster": ["monitor"], "indices": [reading]}
    admin.request("PUT", "/_security/role/latent_terms", body=role)
    user = {"password": "a-password", "roles": ["latent_terms"]}
    admin.request("PUT", "/_security/user/ann", body=user)
    ann = Cluster(f"{secured.url}/{name}", basic_auth=("ann", "a-password"), **trusted)
    found = {finding.check: finding for finding in examine(Case(ann, name))}
    assert (found["permissions"].level, found["analysis"].level) == ("warn", "warn")
    assert "manage" in found["permissions"].sentence
    (request,) = found["permissions"].requests
    admin.request(request.method, request.path, body=request.body)
    levels = {finding.check: finding.level for finding in examine(Case(ann, name))}
    assert (levels["permissions"], levels["analysis"]) == ("ok", "ok")
    ann.close()
    admin.close()
