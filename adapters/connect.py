"""From an address to an engine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .embedded import EmbeddedEngine
from .engine import Engine
from .errors import UnsupportedAddress

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def connect(address: str | os.PathLike[str]) -> Engine:
    """The engine at an address: a path is an embedded index in that folder.

    Touches nothing: a folder that is not there yet is made by `Engine.create`.

    Raises UnsupportedAddress.
    """
    path = os.fspath(address)
    if _SCHEME.match(path):
        raise UnsupportedAddress(
            f"{path!r}: only embedded indexes are supported so far; give the path of a folder"
        )
    if not path:
        raise UnsupportedAddress("the address is empty: give the path of a folder")
    if Path(path).exists() and not Path(path).is_dir():
        raise UnsupportedAddress(f"{path!r} is a file: give the path of a folder")
    return EmbeddedEngine(Path(path))
