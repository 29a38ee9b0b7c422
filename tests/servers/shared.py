"""The servers of `make servers`: they stay until `make servers-stop`, and start empty."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from .folders import base_folder
from .node import prepare_node
from .processes import command_line, end_group
from .releases import Release, release
from .server import Server


@dataclass(frozen=True)
class Shared:
    """A running server as another process sees it; `group` is its process group."""

    title: str
    url: str
    group: int
    folder: Path


def launch_shared(chosen: Release, *, port: int | None = None, heap: str) -> Server:
    """Start without waiting."""
    folder = _folder(chosen)
    shutil.rmtree(folder, ignore_errors=True)
    node = prepare_node(
        chosen,
        folder,
        port or chosen.port,
        heap=heap,
        settings={},
        certificate_days=None,
        short_lived=False,
    )
    server = Server(node, temporary=False)
    state = {"title": chosen.title, "url": server.url, "group": server.launch()}
    (folder / "server.json").write_text(json.dumps(state), encoding="utf-8")
    return server


def running(kind: str, version: str | None = None) -> str | None:
    """The address of the server that `make servers` started, if it runs."""
    found = read_shared(_folder(release(kind, version)))
    return found.url if found else None


def all_shared() -> list[Shared]:
    folders = sorted((base_folder() / "shared").glob("*"))
    return [found for folder in folders if (found := read_shared(folder))]


def stop_shared(server: Shared) -> None:
    end_group(server.group, signal.SIGTERM)
    shutil.rmtree(server.folder, ignore_errors=True)


def read_shared(folder: Path) -> Shared | None:
    """None when nothing runs there, be it that another program has the number by now."""
    try:
        state = json.loads((folder / "server.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if str(folder) not in command_line(state["group"]):
        return None
    return Shared(folder=folder, **state)


def _folder(chosen: Release) -> Path:
    return base_folder() / "shared" / chosen.name
