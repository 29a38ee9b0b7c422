"""Which Java a server is started with, and what is said when none fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from ...servers.errors import Missing
from ...servers.java import Java, choose_java, installed_javas, read_java
from ...servers.releases import RELEASES, release


def install(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch(mode=0o755)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n', "utf-8")
    return home


@pytest.mark.parametrize(
    ("written", "version"), [("25.0.3", 25), ("17.0.15", 17), ("21", 21), ("1.8.0_292", 8)]
)
def test_the_version_is_read_from_the_installation(
    tmp_path: Path, written: str, version: int
) -> None:
    home = install(tmp_path, written)
    assert read_java(home) == Java(home, version)


def test_a_folder_without_java_is_none(tmp_path: Path) -> None:
    assert read_java(tmp_path) is None


def test_the_one_in_java_home_comes_before_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)  # root leaves out what others cannot reach
    home, other = install(tmp_path / "a", "21.0.1"), install(tmp_path / "b", "25.0.1")
    found = installed_javas({"JAVA_HOME": str(home), "PATH": str(other / "bin")})
    assert found[:2] == [Java(home, 21), Java(other, 25)]


@pytest.mark.parametrize(
    ("kind", "version", "chosen"),
    [
        ("opensearch", "3.6.0", 25),
        ("opensearch", "2.19.1", 17),
        ("elasticsearch", "9.4.3", 25),
        ("elasticsearch", "8.19.13", 17),
    ],
)
def test_a_server_gets_the_first_java_that_it_runs_on(kind: str, version: str, chosen: int) -> None:
    javas = [Java(Path(f"/java/{number}"), number) for number in (8, 17, 25)]
    assert choose_java(release(kind, version), javas).version == chosen


def test_when_none_fits_it_says_what_is_there_and_what_to_install() -> None:
    with pytest.raises(Missing) as raised:
        choose_java(release("opensearch"), [Java(Path("/java/17"), 17)])
    assert str(raised.value) == (
        "Java 21 or later is needed, found 17 in /java/17; apt-get install openjdk-21-jdk-headless "
        "maven, or set JAVA_HOME, or use Docker (docs/developing.md, Servers)"
    )


def test_a_java_that_is_too_new_is_refused_as_well() -> None:
    with pytest.raises(Missing, match="Java 11 to 21 is needed, found 25 in"):
        choose_java(release("opensearch", "2.19.1"), [Java(Path("/java/25"), 25)])


def test_one_java_is_enough_for_every_server() -> None:
    """21 is what the message says to install, and what CI installs."""
    java = Java(Path("/java/21"), 21)
    assert [choose_java(entry, [java]) for entry in RELEASES] == [java] * len(RELEASES)


def test_without_any_java_it_says_none() -> None:
    with pytest.raises(Missing, match="found none"):
        choose_java(release("elasticsearch"), [])
