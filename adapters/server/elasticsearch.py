"""Elasticsearch: the exchange through elasticsearch-py.

Requests carry plain `application/json`, not the client's versioned media type, so that a client of
version 9 talks to a server of version 8 too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UnsupportedAddress
from .address import Address
from .wire import CONNECTIONS, Lost, Reply, Security


class ElasticsearchWire:
    def __init__(self, address: Address, security: Security) -> None:
        """Raises UnsupportedAddress where elasticsearch-py is not installed."""
        try:
            import elastic_transport
            import elasticsearch
        except ImportError as exc:
            raise UnsupportedAddress(
                f"{address} needs elasticsearch-py: pip install 'latent-terms[elasticsearch]'"
            ) from exc
        self._errors = elastic_transport
        self._headers = security.headers
        client = elasticsearch.Elasticsearch(
            hosts=[
                f"{address.scheme}://{host.name}:{host.port}{address.prefix}"
                for host in address.hosts
            ],
            connections_per_node=CONNECTIONS,
            **_tls(address, security),
        )
        self._client = client
        self._pool: Any = client.transport.node_pool

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Reply | Lost:
        node = self._pool.get()
        try:
            meta, received = node.perform_request(
                method,
                target,
                body=body,
                headers=self._errors.HttpHeaders({**self._headers, **headers}),
                request_timeout=timeout,
            )
        except (self._errors.ConnectionError, self._errors.ConnectionTimeout) as exc:
            self._pool.mark_dead(node)
            return self._lost(exc)
        self._pool.mark_live(node)
        return Reply(meta.status, {name.lower(): v for name, v in meta.headers.items()}, received)

    def close(self) -> None:
        self._client.close()

    def _lost(self, exc: Any) -> Lost:
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        cause = exc.errors[0] if exc.errors else exc
        if isinstance(exc, self._errors.TlsError):
            return Lost("untrusted", str(cause))
        if isinstance(cause, NewConnectionError | ConnectTimeoutError):
            return Lost("unsent", str(cause))
        late = isinstance(exc, self._errors.ConnectionTimeout)
        return Lost("late" if late else "broken", str(cause))


def _tls(address: Address, security: Security) -> dict[str, Any]:
    if address.scheme != "https":
        return {}
    return {
        "ca_certs": security.ca_certs,
        "ssl_assert_fingerprint": security.certificate_fingerprint,
    }
