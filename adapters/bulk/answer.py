"""Reading a server's answer to a bulk request: what is settled, and what to send again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic

from ..errors import AccessDenied, IndexLocked, IndexMissing, IndexUnreadable
from ..server.cluster import Answer
from ..server.failures import BUSY, failure, reason_of
from .chunks import Action, Chunk, Subject

TOO_LARGE = 413

_OF_THE_INDEX = (AccessDenied, IndexLocked, IndexMissing, IndexUnreadable)


@dataclass(frozen=True)
class Outcome(Generic[Subject]):
    """What became of an action, for good."""

    action: Action[Subject]
    status: int
    """As of an HTTP request of its own: 2xx done, 404 no such document, 409 changed meanwhile."""
    reason: str = ""
    """The server's, where the action was refused."""

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Reading(Generic[Subject]):
    settled: list[Outcome[Subject]]
    again: Chunk[Subject]
    reason: str = ""
    """Why the first of `again` has to be sent again."""


def read(chunk: Chunk[Subject], answer: Answer) -> Reading[Subject]:
    """Raises the EngineError of an answer that refuses the request or the index as a whole."""
    if answer.status in BUSY:
        return Reading([], chunk, f"{answer.status}: {reason_of(answer.body)}")
    if not answer.ok:
        raise failure(answer.status, answer.body, "POST /_bulk")
    items = answer.body.get("items") if isinstance(answer.body, dict) else None
    if items is None or len(items) != len(chunk):
        return Reading([], chunk, "the answer is not that of a bulk request")
    return _read_items(chunk, items)


def _read_items(
    chunk: Chunk[Subject], items: list[Mapping[str, Mapping[str, Any]]]
) -> Reading[Subject]:
    """Items come in the order of the actions."""
    settled: list[Outcome[Subject]] = []
    again: Chunk[Subject] = []
    reasons: list[str] = []
    for action, item in zip(chunk, items, strict=True):
        (verdict,) = item.values()
        status = verdict["status"]
        if "error" not in verdict:
            settled.append(Outcome(action, status))
            continue
        refused = failure(status, verdict, f"bulk action on document {action.id!r}")
        if isinstance(refused, _OF_THE_INDEX):  # even by a 429: a full disk locks an index
            raise refused
        if status in BUSY:
            again.append(action)
            reasons.append(f"{status}: {reason_of(verdict)}")
        else:
            settled.append(Outcome(action, status, reason_of(verdict)))
    return Reading(settled, again, reasons[0] if reasons else "")
