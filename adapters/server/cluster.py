"""A cluster of servers to send requests to; what they mean is up to the caller."""

from __future__ import annotations

import base64
import functools
import json
import os
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..errors import EngineUnavailable, UnsupportedAddress
from .address import Address, Distribution, parse_address
from .failures import failure, no_answer
from .version import Server, read_server
from .wire import Lost, Reply, Security, Wire

DEFAULT_TIMEOUT = 30.0  # seconds

_JSON = {"content-type": "application/json", "accept": "application/json"}
_LINES = {"content-type": "application/x-ndjson", "accept": "application/json"}

# these only read, whatever the method, so a lost one may be sent again
_READING = {"_count", "_field_caps", "_mget", "_msearch", "_search", "_termvectors", "_validate"}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    """JSON read; text where it was none (of a proxy, say); None where there was nothing."""
    retry_after: float | None = None
    """Seconds that the server, or a proxy, asks to wait."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Cluster:
    """Connects with the first request. May be shared between threads."""

    def __init__(
        self,
        address: Address | str,
        *,
        api_key: str | None = None,
        basic_auth: tuple[str, str] | None = None,
        ca_certs: str | os.PathLike[str] | None = None,
        certificate_fingerprint: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """`timeout` is in seconds, for each request. Raises UnsupportedAddress."""
        self.address = parse_address(address) if isinstance(address, str) else address
        self.timeout = timeout
        self._security = Security(
            headers=_authorization(self.address, api_key, basic_auth),
            ca_certs=_existing(ca_certs),
            certificate_fingerprint=certificate_fingerprint,
        )
        self._lock = threading.Lock()
        self._connected: tuple[Wire, Server] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Cluster({str(self.address)!r})"

    @property
    def server(self) -> Server:
        """Which server answers, and of which version.

        Raises UnsupportedAddress where it is none of those that this package knows,
        EngineUnavailable, AccessDenied.
        """
        return self._connect()[1]

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        accept: Collection[int] = (),
        timeout: float | None = None,
    ) -> Answer:
        """One request; `path` is quoted already, `body` is JSON, or NDJSON as bytes.

        An answer of 2xx, or with a status in `accept`, is returned; any other is raised as the
        EngineError it amounts to. A host that cannot be reached is passed over; a request that got
        lost on the way is sent again only where it just reads. Raises EngineUnavailable.
        """
        wire, _ = self._connect()
        answer = self._exchange(wire, method, path, params, body, timeout)
        if answer.ok or answer.status in accept:
            return answer
        raise failure(answer.status, answer.body, f"{method} {self._where(path)}")

    def bulk(self, lines: bytes, *, params: Mapping[str, Any] | None = None) -> Answer:
        """One bulk request, sent once: 413, 429 and 5xx come back as answers.

        Raises EngineUnavailable where no answer came; the lines may have had their effect then.
        """
        return self.request("POST", "/_bulk", params=params, body=lines, accept=range(400, 600))

    def close(self) -> None:
        with self._lock:
            connected, self._connected, self._closed = self._connected, None, True
        if connected is not None:
            connected[0].close()

    def _connect(self) -> tuple[Wire, Server]:
        with self._lock:
            if self._closed:
                raise EngineUnavailable(f"{self.address} was closed: connect to it again")
            if self._connected is None:
                self._connected = self._find_out()
            return self._connected

    def _find_out(self) -> tuple[Wire, Server]:
        asked = self.address.distribution
        kind, wire = _any_wire(self.address, self._security, asked)
        with ExitStack() as unless_kept:
            unless_kept.callback(wire.close)
            answer = self._exchange(wire, "GET", "/", None, None, None)
            if not answer.ok:
                raise failure(answer.status, answer.body, f"GET {self._where('/')}")
            server = read_server(answer.body, self.address)
            if server.distribution == kind:
                unless_kept.pop_all()
                return wire, server
        return open_wire(server.distribution, self.address, self._security), server

    def _exchange(
        self,
        wire: Wire,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        timeout: float | None,
    ) -> Answer:
        target = f"{path}?{urlencode(_plain(params))}" if params else path
        lines = isinstance(body, bytes)
        sent = body if lines or body is None else json.dumps(body).encode()
        reply = self._send(
            functools.partial(
                wire.send, method, target, sent, _LINES if lines else _JSON, timeout or self.timeout
            ),
            only_reads=method in ("GET", "HEAD") or path.rpartition("/")[2] in _READING,
        )
        if isinstance(reply, Lost):
            request = f"{method} {self._where(path)}"
            raise no_answer(reply, request, str(self.address), timeout or self.timeout)
        return _answer(reply)

    def _send(self, send: Callable[[], Reply | Lost], *, only_reads: bool) -> Reply | Lost:
        attempts = max(2, len(self.address.hosts))  # one host: its connection may just be stale
        while True:
            reply = send()
            attempts -= 1
            again = isinstance(reply, Lost) and (
                reply.how == "unsent" or (reply.how == "broken" and only_reads)
            )
            if not again or not attempts:
                return reply

    def _where(self, path: str) -> str:
        return f"{str(self.address).removesuffix(f'/{self.address.index}')}{path}"


def open_wire(kind: Distribution, address: Address, security: Security) -> Wire:
    if kind == "opensearch":
        from .opensearch import OpenSearchWire

        return OpenSearchWire(address, security)
    from .elasticsearch import ElasticsearchWire

    return ElasticsearchWire(address, security)


def _any_wire(
    address: Address, security: Security, kind: Distribution | None
) -> tuple[Distribution, Wire]:
    """Where the kind of server is not known yet, either client will do to ask."""
    if kind is not None:
        return kind, open_wire(kind, address, security)
    try:
        return "opensearch", open_wire("opensearch", address, security)
    except UnsupportedAddress:
        return "elasticsearch", open_wire("elasticsearch", address, security)


def _answer(reply: Reply) -> Answer:
    body: Any = reply.body or None
    if body is not None:
        try:
            body = json.loads(body)
        except ValueError:  # an answer of a proxy in between
            body = body if isinstance(body, str) else body.decode("utf-8", "replace")
    return Answer(reply.status, body, _seconds(reply.headers.get("retry-after")))


def _seconds(text: str | None) -> float | None:
    """Of a Retry-After header; its other form, a date, counts as none."""
    return float(text) if text is not None and text.strip().isdecimal() else None


def _plain(params: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items()
    }


def _authorization(
    address: Address, api_key: str | None, basic_auth: tuple[str, str] | None
) -> dict[str, str]:
    if basic_auth is None and address.user is not None:
        basic_auth = (address.user, address.password or "")
    if api_key is not None and basic_auth is not None:
        raise UnsupportedAddress(f"{address}: give an API key or a user with password, not both")
    if api_key is not None:
        return {"authorization": f"ApiKey {api_key}"}
    if basic_auth is not None:
        pair = ":".join(basic_auth).encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _existing(ca_certs: str | os.PathLike[str] | None) -> str | None:
    if ca_certs is not None and not os.path.isfile(ca_certs):
        raise UnsupportedAddress(f"ca_certs: there is no file {os.fspath(ca_certs)}")
    return None if ca_certs is None else os.fspath(ca_certs)
