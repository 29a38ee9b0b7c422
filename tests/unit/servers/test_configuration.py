"""What a node is told."""

from __future__ import annotations

import json
from pathlib import Path

from ...servers.configuration import jvm_options, node_settings, settings_file
from ...servers.releases import release

FOLDER = Path("/servers/n1")


def test_every_line_of_the_settings_file_is_a_name_and_json() -> None:
    settings = node_settings(release("opensearch"), FOLDER, 9999, tls=False)
    lines = [line.partition(": ") for line in settings_file(settings).splitlines()]
    assert {name: json.loads(value) for name, _, value in lines} == settings


def test_a_node_listens_on_loopback_only() -> None:
    for kind in ("opensearch", "elasticsearch"):
        settings = node_settings(release(kind), FOLDER, 9999, tls=False)
        assert (settings["network.host"], settings["http.port"]) == ("127.0.0.1", 9999)


def test_opensearch_may_call_models_on_this_machine_and_nowhere_else() -> None:
    settings = node_settings(release("opensearch"), FOLDER, 9999, tls=False)
    assert settings["plugins.ml_commons.trusted_connector_endpoints_regex"] == [
        r"^http://(127\.0\.0\.1|localhost):[0-9]+/.*$"
    ]
    without = node_settings(release("opensearch", "2.19.1"), FOLDER, 9999, tls=False)
    assert not [name for name in without if name.startswith("plugins.")]


def test_elasticsearch_is_secured_when_asked() -> None:
    entry = release("elasticsearch")
    assert node_settings(entry, FOLDER, 1, tls=False)["xpack.security.enabled"] is False
    secured = node_settings(entry, FOLDER, 1, tls=True)
    assert secured["xpack.security.enabled"] is True
    assert secured["xpack.security.http.ssl.enabled"] is True


def test_the_jvm_keeps_the_shipped_options_and_gets_our_heap() -> None:
    shipped = "-Xms1g\n-Xmx1g\n-XX:+UseG1GC\n9-:-Xlog:gc*:file=logs/gc.log\n-XX:HeapDumpPath=data\n"
    options = jvm_options(shipped, "512m", short_lived=False)
    assert options.split() == ["-XX:+UseG1GC", "-Xms512m", "-Xmx512m"]
