"""``python -m rerank_service.healthy``: exit code 0 when the service of this container is ready.

For health checks where there is no curl. It reads the port and TLS from the same environment
variables as the service, so settings given as flags are not seen.
"""

from __future__ import annotations

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from rerank_service.errors import SettingsRejected
from rerank_service.settings import Settings, load_settings

_TIMEOUT = 4.0  # seconds
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def fault(settings: Settings) -> str | None:
    """Why it is not ready; None when it is."""
    connection = _connection(settings)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return None if answer.status == 200 else f"it answered {answer.status}"
    except (OSError, HTTPException) as exc:
        return repr(exc)
    finally:
        connection.close()


def _connection(settings: Settings) -> HTTPConnection:
    host = _EVERY_INTERFACE.get(settings.host, settings.host)
    if not settings.tls_certificate:
        return HTTPConnection(host, settings.port, timeout=_TIMEOUT)
    context = ssl.create_default_context()
    context.check_hostname = False  # its certificate is for the name that others call it by
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, settings.port, timeout=_TIMEOUT, context=context)


def main() -> None:
    try:
        found = fault(load_settings(os.environ, {}))
    except SettingsRejected as exc:
        found = str(exc)
    if found is not None:
        sys.exit(f"not ready: {found}")


if __name__ == "__main__":
    main()
