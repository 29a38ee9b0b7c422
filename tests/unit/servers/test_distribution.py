"""What of a zip becomes a server's folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from ...servers.distribution import EVERYTHING, HOME, extract


@pytest.mark.parametrize(
    ("inside", "files"),
    [
        (["sonarqube-26.1/elasticsearch/lib/a.jar", "sonarqube-26.1/web/b.js"], ["lib/a.jar"]),
        (["opensearch-3.6.0/bin/opensearch", "opensearch-3.6.0/"], ["bin/opensearch"]),
        (["opensearch-3.6.0/modules/ingest-geoip/x.mmdb"], []),
        (["sonarqube-26.1/elasticsearch/bin/elasticsearch.bat"], []),
    ],
)
def test_only_the_servers_own_files_are_unpacked(
    tmp_path: Path, inside: list[str], files: list[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in inside:
            archive.writestr(name, "x")
    home = tmp_path / "home"
    extract(tmp_path / "all.zip", home, HOME)
    assert [str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()] == files


def test_a_plugin_is_unpacked_as_it_is_but_for_what_only_gpus_use(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "plugin.zip", "w") as archive:
        archive.writestr("plugin-descriptor.properties", "name=x")
        archive.writestr("onnxruntime_gpu-1.2.jar", "x")
    extract(tmp_path / "plugin.zip", tmp_path / "plugin", EVERYTHING)
    assert [p.name for p in (tmp_path / "plugin").iterdir()] == ["plugin-descriptor.properties"]
