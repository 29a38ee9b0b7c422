"""Where the server of a test run comes from, and what happens when there is none."""

from __future__ import annotations

import pytest

from ... import conftest
from ...servers import Missing


@pytest.fixture(autouse=True)
def a_machine_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(kind: str, *, version: str | None) -> None:
        raise Missing(f"{kind} {version} needs Java")

    monkeypatch.setattr(conftest, "running", lambda kind, version: None)
    monkeypatch.setattr(conftest, "start", start)
    for name in ("OPENSEARCH_URL", "OPENSEARCH_VERSION", "CI"):
        monkeypatch.delenv(name, raising=False)


def test_an_address_in_the_environment_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSEARCH_URL", "http://search:9200")
    assert list(conftest.server_url("opensearch")) == ["http://search:9200"]


def test_a_running_one_of_the_wanted_version_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "running", lambda kind, version: f"{kind} {version}")
    monkeypatch.setenv("OPENSEARCH_VERSION", "2.19.1")
    assert list(conftest.server_url("opensearch")) == ["opensearch 2.19.1"]


def test_without_java_tests_are_skipped_with_one_line_that_says_what_helps() -> None:
    with pytest.raises(pytest.skip.Exception) as skipped:
        next(conftest.server_url("opensearch"))
    assert skipped.value.msg == (
        "opensearch None needs Java; or give OPENSEARCH_URL, such as that of docker-compose.yml"
    )


def test_under_ci_that_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="needs Java; or give OPENSEARCH_URL"):
        next(conftest.server_url("opensearch"))
