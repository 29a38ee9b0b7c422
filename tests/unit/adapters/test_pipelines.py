"""What pipelines are called and made of."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.dialect.meta import LatentField
from adapters.errors import PipelineRefused, UnsupportedAddress
from adapters.pipelines import setup_elasticsearch, setup_opensearch
from adapters.pipelines.elasticsearch import endpoints
from adapters.pipelines.models import Model
from adapters.pipelines.opensearch import models
from adapters.pipelines.pipelines import Names, Sidecar, Wanted
from adapters.server.version import Server

LATENT = LatentField("3f9a1c0b77de", "minilm-en", "repeat", ("title",))


def wanted(**options: Any) -> Wanted:
    values = {"index": "books", "latent": LATENT, "sidecar": Sidecar("http://sidecar:8080")}
    return Wanted(**values | options)


@pytest.mark.parametrize(
    "url", ["sidecar:8080", "ftp://sidecar", "http://", "http://a b", "http://user:pw@host", ""]
)
def test_a_sidecar_needs_a_base_url(url: str) -> None:
    with pytest.raises(UnsupportedAddress, match="http://HOST:PORT"):
        Sidecar(url)


def test_the_key_is_in_no_repr() -> None:
    assert "secret" not in repr(wanted(sidecar=Sidecar("http://sidecar:8080/", "secret")))
    assert Sidecar("http://sidecar:8080/").url == "http://sidecar:8080"


def test_names_tell_index_and_model_apart() -> None:
    every = [
        name
        for index in ("books", "books-2")
        for fingerprint in ("3f9a1c0b77de", "aaaaaa111111")
        for names in [Names(index, fingerprint)]
        for name in (names.base, names.reranking, *names.models.values())
    ]
    assert len(set(every)) == len(every) - 4  # the rerank model and pipeline share theirs


def test_endpoints_have_no_characters_that_elasticsearch_refuses() -> None:
    assert Names("logs.2026+ä", "3f9a1c0b77de").endpoints == {
        "completion": "latent-terms-logs-2026---3f9a1c-queries",
        "rerank": "latent-terms-logs-2026---3f9a1c-rerank",
    }


def test_without_a_key_none_is_sent_to_the_sidecar() -> None:
    for body in models(wanted()).values():
        assert "credential" not in body["connector"]
        assert "Authorization" not in body["connector"]["actions"][0]["headers"]
    for endpoint in endpoints(wanted()).values():
        assert "none" in str(endpoint)


def test_every_call_names_the_model_whose_terms_are_wanted() -> None:
    calls = models(wanted())
    for role in ("documents", "queries"):
        request = calls[role]["connector"]["actions"][0]["request_body"]
        assert '"fingerprint": "3f9a1c0b77de"' in request
    assert LATENT.fingerprint in endpoints(wanted())["completion"]["service_settings"]["request"]


@pytest.mark.parametrize("version", [(2, 19, 1), (2, 16, 0)])
def test_opensearch_2_is_told_to_do_without(version: tuple[int, int, int]) -> None:
    with pytest.raises(PipelineRefused, match="OpenSearch 3 does.*client"):
        setup_opensearch.check_version(Server("opensearch", version))
    setup_opensearch.check_version(Server("opensearch", (3, 6, 0)))


def test_plugins_that_are_missing_come_with_the_command() -> None:
    setup_opensearch.check_plugins([*setup_opensearch.PLUGINS, "opensearch-knn"])
    with pytest.raises(PipelineRefused) as refused:
        setup_opensearch.check_plugins(["opensearch-ml"])
    assert "opensearch-plugin install opensearch-neural-search" in str(refused.value)
    assert "install opensearch-ml" not in str(refused.value)


@pytest.mark.parametrize("version", [(8, 18, 0), (9, 0, 3), (8, 11, 0)])
def test_elasticsearch_before_its_custom_service_is_told_so(version: tuple[int, int, int]) -> None:
    with pytest.raises(PipelineRefused, match="8.19, or 9.1"):
        setup_elasticsearch.check_version(Server("elasticsearch", version))
    for later in ((8, 19, 0), (9, 1, 0), (9, 4, 3)):
        setup_elasticsearch.check_version(Server("elasticsearch", later))


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"sidecar": Sidecar("http://sidecar:8080", "a key")}, False),
        ({"sidecar": Sidecar("http://other:8080")}, False),
        ({"batch_size": 99}, True),
        ({"latent": LatentField("aaaaaa111111", None, "repeat", ("title",))}, False),
    ],
)
def test_a_model_is_known_again_by_what_it_was_registered_with(
    change: dict[str, Any], same: bool
) -> None:
    connector = models(wanted())["queries"]["connector"]
    told = {**connector, "client_config": {**connector["client_config"], "max_connection": 100}}
    there = Model("id", "name", "DEPLOYED", {**told, "access": "what a server adds"})
    assert there.is_as(models(wanted(**change))["queries"]) is same
