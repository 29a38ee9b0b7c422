"""What a client library does for `Cluster`: one HTTP exchange with one of the hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

CONNECTIONS = 32
"""Kept open to each host, and the most that are used at once."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str | bytes


class Lost(NamedTuple):
    """No answer came.

    `unsent`: no connection came about, so the request may be sent again, to this host or another;
    `untrusted`: as unsent, because TLS could not be agreed on or the certificate is not trusted;
    `broken` and `late`: the request may have had its effect.
    """

    how: Literal["unsent", "untrusted", "broken", "late"]
    why: str


@dataclass(frozen=True)
class Security:
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_certs: str | None = None
    certificate_fingerprint: str | None = None
    """SHA-256 of the server's certificate in hex; the certificate needs no authority then."""


class Wire(Protocol):
    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Reply | Lost:
        """To a host that is thought to be alive."""

    def close(self) -> None: ...
