"""Serving the application with uvicorn, and stopping without leaving anybody unanswered."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
import time
from types import FrameType

import uvicorn
from threadpoolctl import threadpool_limits

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

    @property
    def url(self) -> str:
        """Where it listens, once it has started."""
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"{'https' if self.config.ssl else 'http'}://{host}:{port}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        _LOG.info("%s: listening at %s", self._service.model, self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        draining = asyncio.create_task(self._service.drain())
        try:
            await super().shutdown(sockets)
        finally:
            draining.cancel()


class BackgroundServer:
    """The service in a thread of this process, for notebooks and tests: use it, then stop it."""

    def __init__(self, encoder: TermEncoder, settings: Settings) -> None:
        """Returns when it answers. Raises SettingsRejected."""
        self._server = make_server(encoder, settings)
        self._listener = listening(settings)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), daemon=True
        )
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise SettingsRejected("the service did not start: its log says why")
            time.sleep(0.01)
        self.url = self._server.url

    def stop(self) -> None:
        """As on SIGTERM: requests in flight are answered first."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


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
    # Work runs side by side already. Threads of BLAS beside it wait for each other: on 2 busy cores
    # a rerank of 100 kept documents took 0.57 s of CPU with them, 0.04 s without.
    with listening(settings) as listener, threadpool_limits(1, user_api="blas"):
        signal.signal(signal.SIGTERM, _already_handled)
        server.run(sockets=[listener])


def listening(settings: Settings) -> socket.socket:
    """Raises SettingsRejected where the address cannot be listened at."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as exc:
        raise SettingsRejected(
            f"cannot listen at {settings.host}:{settings.port} ({exc.strerror}): choose another "
            "--host or --port"
        ) from exc
    # Connections inherit it; asyncio sets it only for sockets that it opens itself. Without it the
    # body of an answer waits for the acknowledgement of its headers, which clients delay by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _already_handled(number: int, frame: FrameType | None) -> None:
    """uvicorn raises the signal once more when it is done; the exit code is to be 0."""
