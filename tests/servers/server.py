"""One running server: start, wait, stop, kill, restart."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from .errors import ServerError
from .folders import SERVER_UID, base_folder
from .health import is_healthy
from .node import Node, prepare_node
from .processes import end_group, free_port, port_is_taken
from .releases import release

PATIENCE = 300  # seconds: a start takes 10 to 30, and 100 on a machine with much else to do
LAST_LINES = 25


class Server:
    """`url`, and for a secured one `password` (of `elastic`) and `certificate`."""

    def __init__(self, node: Node, *, temporary: bool) -> None:
        self.node = node
        self.url = node.url
        self.password = node.password
        self.certificate = node.certificate
        self._temporary = temporary
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def launch(self) -> int:
        """Start without waiting for an answer; returns the process group."""
        if port_is_taken(self.node.port):
            raise ServerError(f"port {self.node.port} is taken by another program: give another")
        as_root = os.geteuid() == 0
        with self.node.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.node.command,
                cwd=self.node.home,
                env=self.node.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=SERVER_UID if as_root else None,
                group=SERVER_UID if as_root else None,
                extra_groups=() if as_root else None,
            )
        return self._process.pid

    def wait(self) -> None:
        """Until its status is yellow or green; ServerError with the end of its log if not."""
        give_up = time.monotonic() + PATIENCE
        while not is_healthy(self.url, self.password):
            if self._process is None or self._process.poll() is not None:
                self._fail("ended before it answered")
            if time.monotonic() > give_up:
                self._fail(f"has not answered for {PATIENCE} seconds")
            time.sleep(0.1)

    def stop(self) -> None:
        """In good order; the folder goes too, unless `data` was given."""
        self._end(signal.SIGTERM)
        if self._temporary:
            shutil.rmtree(self.node.folder, ignore_errors=True)

    def kill(self) -> None:
        """kill -9; data and port stay, `restart` goes on from there."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """On the same data, from running or killed; returns when it is healthy."""
        self._end(signal.SIGTERM)
        self.launch()
        self.wait()

    def _end(self, sign: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_group(process.pid, sign)
            process.wait()

    def _fail(self, what: str) -> None:
        lines = self.node.log.read_text(encoding="utf-8", errors="replace").splitlines()
        end = "\n".join(lines[-LAST_LINES:])
        raise ServerError(f"{self.node.release.title} {what}. The end of {self.node.log}:\n{end}")


def start(
    kind: str,
    *,
    version: str | None = None,
    port: int | None = None,
    heap: str = "512m",
    data: Path | None = None,
    settings: Mapping[str, object] | None = None,
    tls: bool = False,
    certificate_days: int = 7,
) -> Server:
    """A private server that answers; `with` or `stop()` ends it and removes its folder.

    kind: "opensearch" or "elasticsearch". port: a free one if None. data: a folder to keep; what
    an earlier server left there is served again. settings: more lines for the settings file.
    tls: Elasticsearch with TLS, API keys and the user `elastic`; with `certificate_days` below
    nought its certificate has expired. Missing says what to install.
    """
    chosen = release(kind, version)
    if tls and kind != "elasticsearch":
        raise ValueError(f"tls is for elasticsearch, not for {kind}")
    port = port or free_port()
    folder = data or base_folder() / "private" / f"{chosen.name}-{port}"
    if data is None:
        shutil.rmtree(folder, ignore_errors=True)  # of one that did not start
    node = prepare_node(
        chosen,
        folder,
        port,
        heap=heap,
        settings=settings or {},
        certificate_days=certificate_days if tls else None,
        short_lived=True,
    )
    server = Server(node, temporary=data is None)
    with ExitStack() as on_failure:
        on_failure.callback(server.kill)
        server.launch()
        server.wait()
        on_failure.pop_all()
    return server
