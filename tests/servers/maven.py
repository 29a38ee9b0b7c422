"""Artefacts by Maven: its local repository is the cache, the user's settings apply."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .errors import WHAT_HELPS, Missing

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


def copy_artifact(artifact: str, folder: Path) -> Path:
    """Fetch `group:name:version:zip` once and put it into the empty `folder`."""
    run_maven("copy", folder, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}")
    return next(folder.iterdir())


def run_maven(goal: str, folder: Path, *options: str) -> None:
    """One goal of the dependency plug-in, in `folder`."""
    program = shutil.which("mvn")
    if program is None:
        raise Missing(f"Maven is needed; {WHAT_HELPS}")
    process = subprocess.run(
        [program, "-q", "-B", f"{PLUGIN}:{goal}", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        said = [line for line in process.stdout.splitlines() if "ERROR" in line]
        raise Missing(f"Maven could not run {goal} {' '.join(options)}: {' '.join(said)[:500]}")
