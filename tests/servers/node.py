"""The folder of one node: configuration, data and logs, and the command that starts it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .certificate import Certificate, make_certificate
from .configuration import jvm_options, node_settings, settings_file
from .distribution import distribution
from .errors import ServerError
from .folders import SERVER_UID, open_to_all
from .java import Java, choose_java, installed_javas
from .releases import Release

LAUNCHER = "org.elasticsearch.server.launcher.ServerLauncher"
SMALL_HEAP = ("-Xms4m", "-Xmx64m", "-XX:+UseSerialGC")


@dataclass(frozen=True)
class Node:
    """`certificate` and `password` (of the user `elastic`) are there when it is secured."""

    release: Release
    home: Path
    folder: Path
    port: int
    java: Java
    certificate: Certificate | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "out.log"

    @property
    def command(self) -> list[str]:
        """In the foreground; SonarQube leaves the script `bin/elasticsearch` out."""
        launcher = self.home / "lib/tools/server-launcher"
        if self.release.kind == "opensearch":
            start = [str(self.home / "bin/opensearch")]
        elif launcher.is_dir():  # Elasticsearch 9.4 and later
            start = [self.environment["JAVA"], *SMALL_HEAP, "-cp", f"{launcher}/*", LAUNCHER]
        else:
            start = [str(self.home / "bin/elasticsearch-cli")]
        return [*start, "-p", str(self.folder / "pid")]

    @property
    def environment(self) -> dict[str, str]:
        prefix = "OPENSEARCH" if self.release.kind == "opensearch" else "ES"
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            f"{prefix}_HOME": str(self.home),
            f"{prefix}_JAVA_HOME": str(self.java.home),
            f"{prefix}_PATH_CONF": str(self.folder / "config"),
            f"{prefix}_TMPDIR": str(self.folder / "tmp"),
            "ES_DISTRIBUTION_TYPE": "zip",
            "JAVA": str(self.java.home / "bin/java"),
            "JAVA_TYPE": "ES_JAVA_HOME",
            "CLI_JAVA_OPTS": " ".join(SMALL_HEAP),
            "CLI_NAME": "server",
            "CLI_LIBS": "lib/tools/server-cli",
        }


def prepare_node(
    release: Release,
    folder: Path,
    port: int,
    *,
    heap: str,
    settings: Mapping[str, object],
    certificate_days: int | None,
    short_lived: bool,
) -> Node:
    """Write the configuration; data that `folder` already holds stays."""
    java = choose_java(release, installed_javas())
    home = distribution(release)
    config = folder / "config"
    folder.mkdir(parents=True, exist_ok=True)
    if not open_to_all(folder):
        raise ServerError(f"{folder} is closed to the user that the server runs as")
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(home / "config", config)
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    options = jvm_options(
        (home / "config/jvm.options").read_text(encoding="utf-8"), heap, short_lived=short_lived
    )
    (config / "jvm.options").write_text(options, encoding="utf-8")
    tls = certificate_days is not None
    everything = node_settings(release, folder, port, tls=tls) | dict(settings)
    (config / f"{release.kind}.yml").write_text(settings_file(everything), encoding="utf-8")
    if certificate_days is None:
        node = Node(release, home, folder, port, java)
    else:
        certificate = make_certificate(config, days=certificate_days)
        node = Node(release, home, folder, port, java, certificate, secrets.token_hex(8))
        _store_password(node)
    _hand_over(folder)
    return node


def _store_password(node: Node) -> None:
    tool = {"CLI_NAME": "keystore", "CLI_LIBS": "lib/tools/keystore-cli"}
    process = subprocess.run(
        [node.home / "bin/elasticsearch-cli", "add", "--force", "--stdin", "bootstrap.password"],
        env=node.environment | tool,
        input=node.password,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise ServerError(f"the password was not stored: {process.stdout}{process.stderr}")


def _hand_over(folder: Path) -> None:
    """Started by root, a server runs as another user, who needs to write here."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, SERVER_UID, SERVER_UID)
