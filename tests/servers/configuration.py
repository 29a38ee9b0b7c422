"""What a node is told: its settings file and the options of its JVM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .releases import Release

# A model held by a service on this machine may be called; the thresholds are for models in the JVM.
ML_SETTINGS: Mapping[str, object] = {
    "plugins.ml_commons.only_run_on_ml_node": False,
    "plugins.ml_commons.connector.private_ip_enabled": True,
    "plugins.ml_commons.trusted_connector_endpoints_regex": [
        r"^http://(127\.0\.0\.1|localhost):[0-9]+/.*$"
    ],
    "plugins.ml_commons.native_memory_threshold": 100,
    "plugins.ml_commons.jvm_heap_memory_threshold": 100,
}


def node_settings(release: Release, folder: Path, port: int, *, tls: bool) -> dict[str, object]:
    """Everything but what a test adds. `folder` holds data and logs."""
    settings: dict[str, object] = {
        "cluster.name": "tests",
        "node.name": "n1",
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": 0,
        "discovery.type": "single-node",
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    if release.kind == "opensearch":
        return settings | (dict(ML_SETTINGS) if release.plugins else {})
    settings["xpack.license.self_generated.type"] = "trial"
    settings["xpack.security.enabled"] = tls
    if tls:
        settings["xpack.security.authc.api_key.enabled"] = True
        settings["xpack.security.http.ssl.enabled"] = True
        settings["xpack.security.http.ssl.key"] = "http.key"
        settings["xpack.security.http.ssl.certificate"] = "http.crt"
    return settings


def settings_file(settings: Mapping[str, object]) -> str:
    """JSON values are YAML too."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())


def jvm_options(shipped: str, heap: str, *, short_lived: bool) -> str:
    """The shipped options less logs and dumps, which belong to nobody here, with our heap."""
    unwanted = ("-Xms", "-Xmx", "HeapDump", "ErrorFile", "gc.log")
    kept = [line for line in shipped.splitlines() if not any(part in line for part in unwanted)]
    # Compiling less halves what a start costs (OpenSearch 3.6: 15 instead of 27 CPU seconds).
    quick = ["-XX:TieredStopAtLevel=1"] if short_lived else []
    return "\n".join([*kept, *quick, f"-Xms{heap}", f"-Xmx{heap}", ""])
