"""TLS and a password in front of a real server that has neither."""

from __future__ import annotations

import http.client
import ssl
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

from ..servers.certificate import Certificate


class Guard:
    """Lets through what brings `authorization`, and answers anything else by a 401."""

    def __init__(self, upstream: str, certificate: Certificate, authorization: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, authorization))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Guard:
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(upstream: str, authorization: str) -> type[BaseHTTPRequestHandler]:
    host = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers["authorization"] == authorization:
                status, answer = self.forward(body)
            else:
                status, answer = 401, b'{"error": "who are you?"}'
            with suppress(OSError):
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def forward(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(str(host.hostname), host.port)
            headers = {"content-type": self.headers.get("content-type", "application/json")}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, content

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
