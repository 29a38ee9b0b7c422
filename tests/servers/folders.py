"""Where servers are put together and run: `.servers/` in the checkout, where others may look."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Both servers refuse to run as root. Started by root they run as this number; no account is needed.
SERVER_UID = 20001


def open_to_all(path: Path) -> bool:
    """Whether the user that servers run as can reach `path`."""
    return os.geteuid() != 0 or all(
        folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.is_dir()
    )


def base_folder() -> Path:
    """Root's checkout may lie in a closed home; then the folder is in the temporary directory."""
    if open_to_all(ROOT):
        folder = ROOT / ".servers"
    else:
        checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
        folder = Path(tempfile.gettempdir()) / f"latent-terms-servers-{checkout}"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Two test runs never put the same server together at once."""
    with (base_folder() / f"{name}.lock").open("w") as file:
        flock(file, LOCK_EX)
        yield
