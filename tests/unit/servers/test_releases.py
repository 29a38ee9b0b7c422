"""The versions that are tested are named once; other files agree with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...servers.releases import KINDS, RELEASES, release

ROOT = Path(__file__).resolve().parents[3]


def test_the_default_is_the_newest() -> None:
    assert [release(kind).version for kind in KINDS] == ["3.6.0", "9.4.3"]


def test_an_unknown_version_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no opensearch 1.0; there are 3.6.0, 2.19.1"):
        release("opensearch", "1.0")
    with pytest.raises(ValueError, match="no server 'solr'; there are opensearch and elastic"):
        release("solr")


def test_no_two_share_a_port() -> None:
    assert len({entry.port for entry in RELEASES}) == len(RELEASES)


@pytest.mark.parametrize("kind", KINDS)
def test_docker_starts_the_same_versions_on_the_same_ports(kind: str) -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"{kind}:{release(kind).version}\n" in compose
    assert f"- 127.0.0.1:{release(kind).port}:9200\n" in compose


@pytest.mark.parametrize("kind", KINDS)
def test_make_tests_the_older_versions(kind: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    older = [e.version for e in RELEASES if e.kind == kind and e != release(kind)]
    assert [f"{kind.upper()}_VERSION={version}" in makefile for version in older] == [True]
