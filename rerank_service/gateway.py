"""What every request passes before it is routed: id, key, limits, body, and the note of its end.

Plain ASGI around the application. A request whose client goes away is cancelled, so that nothing
more is computed for it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import time
import uuid
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rerank_service.answers import Answer, answer_of, error_answer
from rerank_service.bodies import BodyBudget, ClientGone, drain, read_body
from rerank_service.errors import Overloaded, ServiceError, Unauthorised
from rerank_service.service import Service

_LOG = logging.getLogger(__name__)
_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_OPEN = ("/health", "/health/live", "/health/ready")  # answered without a key and under any load
_GONE = 499  # nginx's number for a client that closed the connection; nobody receives it


class Gateway:
    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._keys = [_digest(key.encode()) for key in service.keys]
        self._budget = BodyBudget(service.settings.max_bytes_in_flight)
        self._working = 0
        service.metrics.gauge("requests_in_flight", "Being answered", lambda: self._working)
        service.metrics.gauge("body_bytes", "Of requests in flight", lambda: self._budget.held)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        if scope["path"] in _OPEN:  # asked every few seconds: not worth a trace
            await self._handle(exchange, receive)
            return
        with self._service.tracing.span("request", parent=Headers(scope=scope)) as about:
            await self._handle(exchange, receive)
            about |= {"http.route": exchange.route, "http.response.status_code": exchange.status}
            about["request.id"] = exchange.id

    async def _handle(self, exchange: _Exchange, receive: Receive) -> None:
        started = time.perf_counter()
        try:
            await self._answer(exchange, receive)
        except ClientGone:
            exchange.status = _GONE
        except ServiceError as error:
            self._service.metrics.rejected.labels(type(error).__name__).inc()
            await exchange.refuse(answer_of(error, exchange.id), receive)
        except Exception:  # a defect of ours: the client gets an answer, the log the trace
            _LOG.exception("request %s failed", exchange.id)
            await self._apologise(exchange, receive)
        finally:
            self._note(exchange, time.perf_counter() - started)

    async def _answer(self, exchange: _Exchange, receive: Receive) -> None:
        scope, settings = exchange.scope, self._service.settings
        if scope["path"] in _OPEN:
            await self._app(scope, receive, exchange.send)
            return
        headers = Headers(scope=scope)
        self._check_key(headers.get("authorization", ""))
        if scope["method"] != "POST":
            await self._app(scope, receive, exchange.send)
            return
        if self._working >= settings.max_requests:
            raise Overloaded(
                f"{settings.max_requests} requests are in flight: try again later", retry_after=1
            )
        self._working += 1
        try:
            await self._work(exchange, receive, headers)
        finally:
            self._working -= 1

    async def _work(self, exchange: _Exchange, receive: Receive, headers: Headers) -> None:
        announced = headers.get("content-length", "")
        length = int(announced) if announced.isascii() and announced.isdigit() else None
        with self._budget.share() as share:
            body = await read_body(
                receive, length=length, share=share, settings=self._service.settings
            )
            await self._while_wanted(exchange, body, receive)

    async def _while_wanted(self, exchange: _Exchange, body: bytes, receive: Receive) -> None:
        """Run the application with the body, until the client goes."""
        gone = asyncio.ensure_future(receive())
        answer = asyncio.ensure_future(self._app(exchange.scope, _once(body, gone), exchange.send))
        try:
            await asyncio.wait({gone, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not exchange.started:
                answer.cancel()
                await asyncio.wait({answer})
                raise ClientGone
            await answer
        finally:
            gone.cancel()
            answer.cancel()
            del answer  # or its error would keep it, and it the error, and they the request

    def _check_key(self, given: str) -> None:
        """Every key is compared, and in constant time: time tells nothing about them."""
        if not self._keys:
            return
        scheme, _, key = given.partition(" ")
        shown = key if scheme.lower() == "bearer" else given
        digest = _digest(shown.strip().encode("latin-1"))  # as ASGI decodes headers
        if not any([hmac.compare_digest(digest, key) for key in self._keys]):
            raise Unauthorised(
                "no key, or one that is not known: send the header Authorization: Bearer KEY"
            )

    async def _apologise(self, exchange: _Exchange, receive: Receive) -> None:
        self._service.metrics.rejected.labels("Defect").inc()
        if not exchange.started:
            answer = error_answer(
                500,
                f"the service failed on this request; its log has the details under {exchange.id}",
                kind="Backend",
                request_id=exchange.id,
            )
            await exchange.refuse(answer, receive)

    def _note(self, exchange: _Exchange, seconds: float) -> None:
        route = exchange.route
        metrics = self._service.metrics
        metrics.requests.labels(route, str(exchange.status)).inc()
        metrics.request_seconds.labels(route).observe(seconds)
        _LOG.info(
            "%s %s %d %.1f ms %s",
            exchange.scope["method"],
            route,
            exchange.status,
            1000 * seconds,
            exchange.id,
        )


class _Exchange:
    """One request and what has been sent for it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.id = _request_id(Headers(scope=scope).get("x-request-id"))
        self.status = 500
        self.started = False
        self._send = send
        scope.setdefault("state", {})["request_id"] = self.id

    @property
    def route(self) -> str:
        """Of the application, once it is known."""
        return getattr(self.scope.get("route"), "path", "other")

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-Id"] = self.id
        await self._send(message)

    async def refuse(self, answer: Answer, receive: Receive) -> None:
        """Answer a client that may still be sending: it reads the answer once it is done."""
        headers = answer.raw_headers
        await self.send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await drain(receive)
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})


def _once(body: bytes, gone: asyncio.Future[Message]) -> Receive:
    """The body as one message, then whatever the client does next."""
    messages: Sequence[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    waiting = iter(messages)

    async def receive() -> Message:
        message = next(waiting, None)
        return await asyncio.shield(gone) if message is None else message

    return receive


def _request_id(given: str | None) -> str:
    return given if given is not None and _ID.fullmatch(given) else uuid.uuid4().hex


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
