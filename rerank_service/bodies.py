"""Reading a request's body within limits, as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydantic_core
from starlette.types import Receive

from rerank_service.errors import BadRequest, BodyTooSlow, Overloaded, TooLarge
from rerank_service.settings import Settings

_DRAIN_SECONDS = 2


class ClientGone(Exception):
    """Nobody waits for an answer any more."""


class BodyBudget:
    """The bytes of all bodies together."""

    def __init__(self, most: int) -> None:
        self.held = 0
        self._most = most

    @contextmanager
    def share(self) -> Iterator[Share]:
        share = Share(self)
        try:
            yield share
        finally:
            self.held -= share.held


class Share:
    """One request's part of the budget; it only grows."""

    def __init__(self, budget: BodyBudget) -> None:
        self.held = 0
        self._budget = budget

    def grow(self, held: int) -> None:
        """Raises Overloaded."""
        more = max(held - self.held, 0)
        if self._budget.held + more > self._budget._most:
            raise Overloaded(
                f"bodies of {self._budget._most:,} bytes are in flight: try again later",
                retry_after=1,
            )
        self._budget.held += more
        self.held += more


async def read_body(
    receive: Receive, *, length: int | None, share: Share, settings: Settings
) -> bytes:
    """The whole body; ``length`` is what its header announces.

    Raises TooLarge, Overloaded, BodyTooSlow, ClientGone.
    """
    if length is not None:
        _check_size(length, settings)
        share.grow(length)
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_timeout_ms / 1000):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGone
                body += message.get("body", b"")
                _check_size(len(body), settings)
                share.grow(len(body))
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError as exc:
        raise BodyTooSlow(
            f"the body did not arrive within {settings.body_timeout_ms:,} ms: send it faster, or "
            "raise LATENT_TERMS_BODY_TIMEOUT_MS"
        ) from exc


async def drain(receive: Receive) -> None:
    """Let a client that is still sending come to the answer; give up after a moment."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request":
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def parse_json(body: bytes, *, max_nesting: int) -> Any:
    """Raises BadRequest; the message does not show what is in the body."""
    if not body.strip():
        raise BadRequest("the body is empty: send a JSON object")
    try:
        value = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as exc:
        raise BadRequest(f"the body is not JSON: {exc}") from exc
    if _deeper_than(max_nesting, value):
        raise BadRequest(
            f"lists and objects in the body nest more than {max_nesting} deep: flatten it, or "
            "raise LATENT_TERMS_MAX_NESTING"
        )
    return value


def _deeper_than(most: int, value: Any) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _check_size(size: int, settings: Settings) -> None:
    if size > settings.max_body_bytes:
        raise TooLarge(
            f"the body has {size:,} bytes or more, and may have {settings.max_body_bytes:,}: send "
            "fewer texts at a time, or raise LATENT_TERMS_MAX_BODY_BYTES"
        )
