"""Serving the application with uvicorn, and stopping without leaving anybody unanswered."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from types import FrameType

import uvicorn

from latent_terms import TermEncoder
from rerank_service.app import create_app
from rerank_service.errors import SettingsRejected
from rerank_service.service import Service
from rerank_service.settings import Settings

_LOG = logging.getLogger(__name__)
_LAST_SECONDS = 5  # for the 503 answers to be sent


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: no new connections, requests in flight end or get 503, then stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        port = self.servers[0].sockets[0].getsockname()[1]
        scheme = "https" if self.config.ssl else "http"
        _LOG.info("%s: listening at %s://%s:%d", self._service.model, scheme, host, port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        draining = asyncio.create_task(self._service.drain())
        try:
            await super().shutdown(sockets)
        finally:
            draining.cancel()


def make_server(encoder: TermEncoder, settings: Settings) -> Server:
    """Raises SettingsRejected."""
    app = create_app(encoder, settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
        timeout_graceful_shutdown=settings.shutdown_seconds + _LAST_SECONDS,
        access_log=False,  # the gateway notes requests, without what is in them
        server_header=False,
        log_config=None,
        lifespan="on",
    )
    try:
        config.load()
    except OSError as exc:  # ssl.SSLError is one
        raise SettingsRejected(
            f"tls_certificate {settings.tls_certificate} or tls_key {settings.tls_key} cannot be "
            f"used: {exc}"
        ) from exc
    return Server(config, app.state.service)


def serve(encoder: TermEncoder, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsRejected."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    server = make_server(encoder, settings)
    with listening(settings) as listener:
        signal.signal(signal.SIGTERM, _already_handled)
        server.run(sockets=[listener])


def listening(settings: Settings) -> socket.socket:
    """Raises SettingsRejected where the address cannot be listened at."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as exc:
        raise SettingsRejected(
            f"cannot listen at {settings.host}:{settings.port} ({exc.strerror}): choose another "
            "--host or --port"
        ) from exc


def _already_handled(number: int, frame: FrameType | None) -> None:
    """uvicorn raises the signal once more when it is done; the exit code is to be 0."""
