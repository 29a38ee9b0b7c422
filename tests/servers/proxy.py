"""A proxy that misbehaves, in front of a real server.

    with Proxy(server.url, [Refuse(429, retry_after=1), CutAfter()], share=0.2, seed=7) as proxy:
        Cluster(proxy.url)

`share` of the bulk requests, searches, counts and the like is struck by a fault drawn from the
list; `seed` makes the draw the same each time, up to the order in which threads arrive. What the
server itself answers is passed on as it is; while it is down, connections are cut.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

STRUCK = ("_bulk", "_search", "_count", "_mget", "_refresh", "_pit", "point_in_time", "scroll")
HOP_BY_HOP = ("connection", "content-length", "transfer-encoding")


class Reply(NamedTuple):
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Request:
    target: str
    body: bytes
    forward: Callable[[bytes], Reply]
    """Raises OSError or http.client.HTTPException while the server is down."""

    @property
    def action(self) -> str:
        return urlsplit(self.target).path.rpartition("/")[2]


class Fault(Protocol):
    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        """None: the connection is cut."""


@dataclass(frozen=True)
class Refuse:
    """The server does not see the request."""

    status: int
    retry_after: float | None = None

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        headers = [("content-type", "application/json")]
        if self.retry_after is not None:
            headers.append(("retry-after", str(self.retry_after)))
        error = {"type": "refused_by_proxy", "reason": "the proxy is in a bad mood"}
        return Reply(self.status, headers, json.dumps({"error": error}).encode())


@dataclass(frozen=True)
class CutBefore:
    """The server does not see the request."""

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        return None


@dataclass(frozen=True)
class CutAfter:
    """The server does what is asked, and its answer gets lost."""

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        request.forward(request.body)
        return None


@dataclass(frozen=True)
class Slow:
    seconds: float

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        time.sleep(self.seconds)
        return request.forward(request.body)


@dataclass(frozen=True)
class RefuseItems:
    """The server sees some actions of a bulk request, the others are answered by a 429 each."""

    share: float = 0.5

    def strike(self, request: Request, chance: random.Random) -> Reply | None:
        if request.action != "_bulk":
            return request.forward(request.body)
        actions = bulk_actions(request.body)
        refused = [chance.random() < self.share for _ in actions]
        passed = [action for action, no in zip(actions, refused, strict=True) if not no]
        if not passed:
            return Refuse(429).strike(request, chance)
        reply = request.forward(b"".join(passed))
        if reply.status != 200:
            return reply
        body = json.loads(reply.body)
        answered = iter(body["items"])
        body["items"] = [
            _refused(action) if no else next(answered)
            for action, no in zip(actions, refused, strict=True)
        ]
        return Reply(200, reply.headers, json.dumps({**body, "errors": True}).encode())


def bulk_actions(body: bytes) -> list[bytes]:
    """Each with its document."""
    lines = body.splitlines(keepends=True)
    actions: list[bytes] = []
    while lines:
        n = 1 if "delete" in json.loads(lines[0]) else 2
        actions.append(b"".join(lines[:n]))
        del lines[:n]
    return actions


def _refused(action: bytes) -> dict[str, Any]:
    ((verb, about),) = json.loads(action.splitlines()[0]).items()
    error = {"type": "es_rejected_execution_exception", "reason": "refused by the proxy"}
    return {verb: {"_id": about["_id"], "status": 429, "error": error}}


@dataclass
class Proxy:
    """`struck` counts the faults by name, `requests` the requests by the end of their path."""

    upstream: str
    faults: Sequence[Fault]
    share: float = 1.0
    seed: int = 0
    most_bytes: int | None = None
    """Larger bodies are refused by a 413."""
    struck: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    """Bytes of the largest body that was let through."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Proxy:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, request: Request) -> Reply | None:
        with self._lock:
            self.requests[request.action] += 1
            fault = self._drawn(request)
            if fault is not None:
                self.struck[type(fault).__name__] += 1
            chance = random.Random(self._chance.random())
        try:
            return fault.strike(request, chance) if fault else request.forward(request.body)
        except (OSError, http.client.HTTPException):
            return None

    def _drawn(self, request: Request) -> Fault | None:
        if self.most_bytes is not None and len(request.body) > self.most_bytes:
            return Refuse(413)
        self.largest = max(self.largest, len(request.body))
        if not self.faults or request.action not in STRUCK or self._chance.random() >= self.share:
            return None
        return self._chance.choice(self.faults)


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    upstream = urlsplit(proxy.upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.server_side = http.client.HTTPConnection(str(upstream.hostname), upstream.port)

        def finish(self) -> None:
            self.server_side.close()
            with suppress(OSError):
                super().finish()

        def handle_any(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            reply = proxy.reply(Request(self.path, self.rfile.read(length), self.forward))
            if reply is None:
                self.close_connection = True
                return
            with suppress(OSError):  # the client has gone
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

        def forward(self, body: bytes) -> Reply:
            headers = {n: v for n, v in self.headers.items() if n.lower() not in HOP_BY_HOP}
            try:
                self.server_side.request(self.command, self.path, body or None, headers)
                answer = self.server_side.getresponse()
                kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP_BY_HOP]
                return Reply(answer.status, kept, answer.read())
            except (OSError, http.client.HTTPException):
                self.server_side.close()  # the next request opens it again
                raise

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
