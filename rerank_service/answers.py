"""JSON answers, and errors in a body that every client finds its own message in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from rerank_service.errors import ServiceError

_SHOWN = 3  # faults of an invalid body


class Answer(JSONResponse):
    """JSON; also bare lists. Numbers that JSON does not have are an error."""


def error_answer(
    status: int, message: str, *, kind: str, request_id: str, retry_after: int | None = None
) -> Answer:
    """``error`` and ``error_type`` for text-embeddings-inference, its clients and Elasticsearch,
    ``message`` and ``id`` for Cohere's, ``detail`` for Voyage's."""
    headers: dict[str, str] = {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        # OpenSearch 2.15 to 3.7 retry nothing but what says this (MLSdkAsyncHttpResponseHandler).
        headers["x-amzn-ErrorType"] = "ThrottlingException"
    body = {"error": message, "error_type": kind, "message": message, "id": request_id}
    return Answer(body, status, headers)


def answer_of(error: ServiceError, request_id: str) -> Answer:
    return error_answer(
        error.status,
        str(error),
        kind=error.kind,
        request_id=request_id,
        retry_after=error.retry_after,
    )


def faults(error: RequestValidationError) -> str:
    """What is wrong with a body, without what is in it."""
    found = error.errors()
    shown = [f"{_place(fault)}: {fault['msg']}" for fault in found[:_SHOWN]]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(shown) + more


def _place(fault: Mapping[str, Any]) -> str:
    path = [str(step) for step in fault["loc"] if step != "body"]
    return ".".join(path) or "body"
