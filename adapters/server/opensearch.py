"""OpenSearch: the exchange through opensearch-py."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from ..errors import UnsupportedAddress
from .address import Address
from .wire import CONNECTIONS, Lost, Reply, Security

_EVERY_STATUS = range(300, 600)


class OpenSearchWire:
    def __init__(self, address: Address, security: Security) -> None:
        """Raises UnsupportedAddress where opensearch-py is not installed."""
        try:
            import opensearchpy
        except ImportError as exc:
            raise UnsupportedAddress(
                f"{address} needs opensearch-py: pip install 'latent-terms[opensearch]'"
            ) from exc
        self._errors = opensearchpy.exceptions
        client = opensearchpy.OpenSearch(
            hosts=[{"host": h.name.strip("[]"), "port": h.port} for h in address.hosts],
            url_prefix=address.prefix,
            use_ssl=address.scheme == "https",
            headers=dict(security.headers),
            pool_maxsize=CONNECTIONS,
            **_tls(address, security),
        )
        self._client = client
        self._pool: Any = client.transport.connection_pool

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Reply | Lost:
        connection = self._pool.get_connection()
        try:
            status, received, text = connection.perform_request(
                method, target, body=body, timeout=timeout, ignore=_EVERY_STATUS, headers=headers
            )
        except self._errors.ConnectionError as exc:
            self._pool.mark_dead(connection)
            return self._lost(exc)
        self._pool.mark_live(connection)
        return Reply(status, {name.lower(): value for name, value in received.items()}, text)

    def close(self) -> None:
        self._client.close()

    def _lost(self, exc: Any) -> Lost:
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        why = str(exc.info)
        if isinstance(exc, self._errors.SSLError):
            return Lost("untrusted", why)
        if isinstance(exc.info, NewConnectionError | ConnectTimeoutError):
            return Lost("unsent", why)
        return Lost("late" if isinstance(exc, self._errors.ConnectionTimeout) else "broken", why)


def _tls(address: Address, security: Security) -> dict[str, Any]:
    if address.scheme != "https":
        return {}
    if security.certificate_fingerprint is None:
        return {"verify_certs": True, "ca_certs": security.ca_certs}
    context = ssl.create_default_context()
    context.check_hostname = False  # the fingerprint says more than a name or an authority
    context.verify_mode = ssl.CERT_NONE
    return {
        "ssl_context": context,
        "ssl_assert_fingerprint": security.certificate_fingerprint,
    }
