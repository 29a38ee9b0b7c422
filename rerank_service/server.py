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
from rerank_service.service import Service
from rerank_service.settings import Settings

_LAST_SECONDS = 5  # for the 503 answers to be sent


class Server(uvicorn.Server):
    """On SIGTERM or SIGINT: no new connections, requests in flight end or get 503, then stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

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
    return Server(config, app.state.service)


def serve(encoder: TermEncoder, settings: Settings) -> bool:
    """Serve until SIGTERM or SIGINT; False when it could not start. Raises SettingsRejected."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    server = make_server(encoder, settings)
    signal.signal(signal.SIGTERM, _already_handled)
    server.run()
    return server.started


def _already_handled(number: int, frame: FrameType | None) -> None:
    """uvicorn raises the signal once more when it is done; the exit code is to be 0."""
