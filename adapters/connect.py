"""From an address to an engine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .embedded.engine import EmbeddedEngine
from .engine import Engine
from .errors import UnsupportedAddress
from .server.address import is_server, parse_address
from .server.cluster import DEFAULT_TIMEOUT, Cluster
from .server.engine import ServerEngine

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def connect(
    address: str | os.PathLike[str],
    *,
    api_key: str | None = None,
    basic_auth: tuple[str, str] | None = None,
    ca_certs: str | os.PathLike[str] | None = None,
    certificate_fingerprint: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Engine:
    """The engine at an address.

    * A path: an embedded index in that folder.
    * `opensearch://host:9200/index`, `elasticsearch://host:9200/index`; `+https` after the first
      word for TLS, several hosts with commas between them, `user:password@` in front of them.
    * `http://host/index`, `https://host/index`: whichever of the two answers.

    The options are for servers: an API key, or user and password; a file with the certificates of
    authorities to trust, or the SHA-256 fingerprint of the server's certificate; seconds to wait
    for an answer.

    Touches nothing: an index that is not there yet is made by `Engine.create`, and a server is
    asked for the first time when a method needs it.

    Raises UnsupportedAddress.
    """
    text = os.fspath(address)
    if not is_server(text):
        if api_key or basic_auth or ca_certs or certificate_fingerprint:
            raise UnsupportedAddress(f"{text!r} is a folder: credentials are for servers")
        return EmbeddedEngine(_folder(text))
    parsed = parse_address(text)
    if parsed.index is None:
        raise UnsupportedAddress(f"{parsed} names no index: write {parsed}/INDEX")
    cluster = Cluster(
        parsed,
        api_key=api_key,
        basic_auth=basic_auth,
        ca_certs=ca_certs,
        certificate_fingerprint=certificate_fingerprint,
        timeout=timeout,
    )
    return ServerEngine(cluster, parsed.index)


def _folder(text: str) -> Path:
    if _SCHEME.match(text):
        raise UnsupportedAddress(
            f"{text.partition('://')[0]}:// is not known: give the path of a folder, or an address "
            "that starts with opensearch://, elasticsearch://, https:// or http://"
        )
    if not text:
        raise UnsupportedAddress("the address is empty: give the path of a folder, or a server's")
    if Path(text).exists() and not Path(text).is_dir():
        raise UnsupportedAddress(f"{text!r} is a file: give the path of a folder")
    return Path(text)
