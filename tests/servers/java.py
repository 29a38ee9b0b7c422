"""Which Java runs a server: each version of a server wants another range."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import WHAT_HELPS, Missing
from .folders import open_to_all
from .releases import Release


@dataclass(frozen=True)
class Java:
    home: Path
    version: int


def read_java(home: Path) -> Java | None:
    """The Java installed in `home`, from its `release` file; None where there is none."""
    release = home / "release"
    if not (home / "bin/java").is_file() or not release.is_file():
        return None
    text = release.read_text(encoding="utf-8")
    version = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return Java(home, int(version[1])) if version else None


def installed_javas(environment: Mapping[str, str] = os.environ) -> list[Java]:
    """JAVA_HOME, the one on PATH, the distribution's, in this order."""
    homes = [Path(environment["JAVA_HOME"])] if environment.get("JAVA_HOME") else []
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        homes.append(Path(on_path).resolve().parent.parent)
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    found = [read_java(home.resolve()) for home in homes if home.is_dir()]
    return [java for java in dict.fromkeys(found) if java and open_to_all(java.home)]


def choose_java(release: Release, javas: Iterable[Java]) -> Java:
    """The first that fits; Missing, which says what to install, when none does."""
    javas = list(javas)
    for java in javas:
        if java.version in release.java:
            return java
    found = ", ".join(f"{java.version} in {java.home}" for java in javas) or "none"
    lowest, highest = release.java[0], release.java[-1]
    limits = f"{lowest} to {highest}" if highest < 99 else f"{lowest} or later"
    raise Missing(f"Java {limits} is needed, found {found}; {WHAT_HELPS}")
