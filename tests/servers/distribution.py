"""From artefacts to a folder that a server starts from; put together once, then reused."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from .folders import base_folder, locked
from .jar_modules import add_jar_modules
from .maven import copy_artifact
from .releases import Release

# Inside the zips: the folder that is the server, and what a test server never opens.
HOME = re.compile(r"(?:sonarqube-[^/]+/elasticsearch|opensearch-[^/]+)/(.+)")
EVERYTHING = re.compile("(.+)")
NEVER_OPENED = re.compile(r"modules/ingest-geoip/|onnxruntime_gpu|\.(?:bat|exe)$")


def distribution(release: Release) -> Path:
    """The folder of `release`, fetched and put together at the first call."""
    home = base_folder() / release.name
    with locked(release.name):
        if not home.is_dir():
            new = base_folder() / f"{release.name}.new"
            shutil.rmtree(new, ignore_errors=True)
            _assemble(release, new)
            new.rename(home)
    return home


def extract(archive: Path, folder: Path, wanted: re.Pattern[str]) -> None:
    """The files of a zip whose names match `wanted`, named by its group 1."""
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            name = wanted.fullmatch(entry.filename)
            if name and not entry.is_dir() and not NEVER_OPENED.search(name[1]):
                entry.filename = name[1]
                opened.extract(entry, folder)


def _assemble(release: Release, home: Path) -> None:
    _fetch(release.artifact, home, HOME)
    for plugin in release.plugins:
        artifact = f"org.opensearch.plugin:{plugin}:{release.version}.0:zip"
        _fetch(artifact, home / "plugins" / plugin, EVERYTHING)
    if release.jar_modules:
        add_jar_modules(release, home)
    (home / "plugins").mkdir(exist_ok=True)
    for program in (home / "bin").iterdir():  # zipfile forgets who may run what
        program.chmod(0o755)


def _fetch(artifact: str, folder: Path, wanted: re.Pattern[str]) -> None:
    with tempfile.TemporaryDirectory(dir=base_folder()) as name:
        extract(copy_artifact(artifact, Path(name)), folder, wanted)
