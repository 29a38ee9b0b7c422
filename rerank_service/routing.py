"""How routes read bodies: JSON whatever the content type says, parsed within limits."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from rerank_service.bodies import parse_json

_JSON = (b"content-type", b"application/json")


class ErrorBody(BaseModel):
    """The answer to a request that was not done; all four say the same to different readers."""

    error: str
    error_type: str
    message: str
    id: str


Responses = dict[int | str, dict[str, Any]]

ERRORS: Responses = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "Not JSON, or empty",
        401: "No key, or a wrong one",
        408: "The body did not arrive in time",
        413: "Over a limit",
        422: "Not a request that can be run",
        429: "The queue is full: try again after Retry-After",
        500: "The model failed on a text",
        503: "Shutting down",
        504: "Not done in time",
    }.items()
}


def json_router(*, max_nesting: int, tag: str) -> APIRouter:
    """A router whose routes take JSON bodies."""

    class JsonRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def handle(request: Request) -> Response:
                body = parse_json(await request.body(), max_nesting=max_nesting)
                headers = [each for each in request.scope["headers"] if each[0] != _JSON[0]]
                scope = {**request.scope, "headers": [*headers, _JSON]}
                return await handler(_ParsedRequest(scope, request.receive, body))

            return handle

    return APIRouter(route_class=JsonRoute, tags=[tag], responses=ERRORS)


class _ParsedRequest(Request):
    def __init__(self, scope: Any, receive: Any, parsed: Any) -> None:
        super().__init__(scope, receive)
        self._parsed = parsed

    async def body(self) -> bytes:
        return b"parsed"

    async def json(self) -> Any:
        return self._parsed
