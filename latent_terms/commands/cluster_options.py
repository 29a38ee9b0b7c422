"""Options for reaching a cluster: credentials, certificates, patience."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adapters import Engine
    from adapters.server.cluster import Cluster


@dataclass(frozen=True)
class ClusterOptions:
    api_key: str | None = field(default=None, repr=False)
    user: tuple[str, str] | None = field(default=None, repr=False)
    """With the password."""
    ca_certs: str | None = None
    certificate_fingerprint: str | None = None
    timeout: float | None = None

    @contextmanager
    def connect(self, address: str) -> Iterator[Cluster]:
        """Raises UnsupportedAddress for what is no address of a server."""
        from adapters.server.cluster import Cluster

        cluster = Cluster(address, **self._given())
        try:
            yield cluster
        finally:
            cluster.close()

    def engine(self, address: str) -> Engine:
        """Of a server or a folder; raises UnsupportedAddress."""
        from adapters import connect

        return connect(address, **self._given())

    def _given(self) -> dict[str, Any]:
        options = {
            "api_key": self.api_key,
            "basic_auth": self.user,
            "ca_certs": self.ca_certs,
            "certificate_fingerprint": self.certificate_fingerprint,
            "timeout": self.timeout,
        }
        return {name: value for name, value in options.items() if value is not None}


def _user(ctx: click.Context, option: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    name, colon, password = value.partition(":")
    if not colon:
        raise click.BadParameter("write NAME:PASSWORD")
    return name, password


_OPTIONS = (
    click.option(
        "--api-key",
        envvar="LATENT_TERMS_CLUSTER_API_KEY",
        metavar="KEY",
        help="API key of the cluster; better in LATENT_TERMS_CLUSTER_API_KEY, which nobody sees.",
    ),
    click.option(
        "--user",
        envvar="LATENT_TERMS_CLUSTER_USER",
        metavar="NAME:PASSWORD",
        callback=_user,
        help="User of the cluster; better in LATENT_TERMS_CLUSTER_USER, which nobody sees.",
    ),
    click.option(
        "--ca-certs",
        envvar="LATENT_TERMS_CLUSTER_CA_CERTS",
        metavar="FILE",
        help="Certificates of authorities to trust.  [env: LATENT_TERMS_CLUSTER_CA_CERTS]",
    ),
    click.option(
        "--certificate-fingerprint",
        envvar="LATENT_TERMS_CLUSTER_CERTIFICATE_FINGERPRINT",
        metavar="HEX",
        help="SHA-256 of the server's certificate, to trust it and no other.",
    ),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for each request."
    ),
)


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them together, as `cluster`."""

    @functools.wraps(command)
    def called(
        *args: Any,
        api_key: str | None,
        user: tuple[str, str] | None,
        ca_certs: str | None,
        certificate_fingerprint: str | None,
        timeout: float | None,
        **others: Any,
    ) -> Any:
        cluster = ClusterOptions(api_key, user, ca_certs, certificate_fingerprint, timeout)
        return command(*args, cluster=cluster, **others)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called
