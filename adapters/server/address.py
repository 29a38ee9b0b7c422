"""Where a server is: `opensearch://user:password@h1:9200,h2:9200/index` in its parts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote

from ..errors import UnsupportedAddress

Distribution = Literal["opensearch", "elasticsearch"]

_ADDRESS = re.compile(
    r"(?P<scheme>[a-z+]+)://(?:(?P<user>[^@/]*)@)?(?P<hosts>[^/@?#]+)(?P<path>/[^?#]*)?"
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_UNUSABLE_IN_NAMES = re.compile(r'[\\/*?"<>|\s,#:A-Z]')
_MOST_NAME_BYTES = 255

# scheme -> distribution (None: ask the server), whether TLS, port where none is given
_SCHEMES: dict[str, tuple[Distribution | None, str, int]] = {
    "opensearch": ("opensearch", "http", 9200),
    "opensearch+http": ("opensearch", "http", 9200),
    "opensearch+https": ("opensearch", "https", 9200),
    "elasticsearch": ("elasticsearch", "http", 9200),
    "elasticsearch+http": ("elasticsearch", "http", 9200),
    "elasticsearch+https": ("elasticsearch", "https", 9200),
    "http": (None, "http", 80),
    "https": (None, "https", 443),
}


@dataclass(frozen=True)
class Host:
    name: str
    """As in a URL: an IPv6 address keeps its brackets."""
    port: int


@dataclass(frozen=True)
class Address:
    distribution: Distribution | None
    """None: whichever answers."""
    scheme: str
    """`http` or `https`."""
    hosts: tuple[Host, ...]
    prefix: str
    """Path in front of every request, for a server behind a proxy; mostly empty."""
    index: str | None
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """For messages: without user and password."""
        hosts = ",".join(f"{host.name}:{host.port}" for host in self.hosts)
        kind = (self.distribution, "https" if self.scheme == "https" else None)
        scheme = "+".join(part for part in kind if part) or self.scheme
        return f"{scheme}://{hosts}{self.prefix}{f'/{self.index}' if self.index else ''}"


def is_server(address: str) -> bool:
    """Whether this is an address of a server, well formed or not."""
    return address.partition("://")[0].lower() in _SCHEMES and "://" in address


def parse_address(text: str) -> Address:
    """Raises UnsupportedAddress; its message never shows a password."""
    match = _ADDRESS.fullmatch(text)
    if match is None or match["scheme"] not in _SCHEMES:
        raise UnsupportedAddress(
            f"{_hidden(text)!r} is no address of a server: write opensearch://HOST:9200/INDEX or "
            "elasticsearch://HOST:9200/INDEX (with +https for TLS), or https://HOST/INDEX"
        )
    distribution, scheme, port = _SCHEMES[match["scheme"]]
    user, _, password = (match["user"] or "").partition(":")
    prefix, _, index = (match["path"] or "").rstrip("/").rpartition("/")
    return Address(
        distribution=distribution,
        scheme=scheme,
        hosts=tuple(_host(host, port, text) for host in match["hosts"].split(",")),
        prefix=prefix,
        index=_index(unquote(index)) if index else None,
        user=unquote(user) or None,
        password=unquote(password) or None,
    )


def _host(text: str, port: int, address: str) -> Host:
    match = _HOST.fullmatch(text.strip())
    if match is None or not 0 < int(match[2] or port) < 65_536:
        raise UnsupportedAddress(
            f"{_hidden(address)!r}: {text!r} is no host: write NAME or NAME:PORT, several of them "
            "separated by commas"
        )
    return Host(match[1], int(match[2] or port))


def _index(name: str) -> str:
    if (
        _UNUSABLE_IN_NAMES.search(name)
        or name[0] in "_-+."
        or len(name.encode("utf-8", "surrogatepass")) > _MOST_NAME_BYTES
    ):
        raise UnsupportedAddress(
            f"{name!r} is no usable index name: lower-case letters, digits, - and _, starting with "
            "a letter or digit, and one index, no pattern"
        )
    return name


def _hidden(address: str) -> str:
    return re.sub(r"//[^/]*@", "//…@", address)
