"""What can go wrong with an engine; every message names the value at fault and the remedy.

EngineError
  + UnsupportedAddress   the address names no engine that can be connected to
  + EngineUnavailable    the engine cannot be reached, cannot write, or is closed
    + EngineBusy         for the moment: overloaded, starting, or a connection was lost
  + AccessDenied         the credentials are wrong, or lack a permission
  + IndexMissing         nothing has been created at the address yet
  + IndexExists          create() found an index there
  + IndexLocked          someone else is writing to the index, or it is read-only
  + IndexUnreadable      what lies at the address is damaged, newer, or no index at all
  + SchemaRejected       the schema is not valid, or is not the one of the index
  + ModelMismatch        the terms come from another model than those in the index
  + DocumentsRejected    documents are not valid, or a server refuses them
  + QueryRejected        the request cannot be run against this index
  + MigrationRefused     a step of moving to another model is not possible, or not safe yet
  + PipelineRefused      the cluster does not run what a pipeline needs, or may not call the sidecar
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .server.request import ServerRequest
from .values import shown

_SHOWN = 3


class EngineError(Exception):
    """Root of everything this package raises on purpose."""


class UnsupportedAddress(EngineError):
    pass


class EngineUnavailable(EngineError):
    pass


class EngineBusy(EngineUnavailable):
    """The same request may succeed later; it may also have had its effect."""


class AccessDenied(EngineError):
    pass


class IndexMissing(EngineError):
    pass


class IndexExists(EngineError):
    pass


class IndexLocked(EngineError):
    pass


class IndexUnreadable(EngineError):
    pass


class SchemaRejected(EngineError):
    pass


class ModelMismatch(EngineError):
    pass


class QueryRejected(EngineError):
    pass


class MigrationRefused(EngineError):
    pass


class PipelineRefused(EngineError):
    """`requests` change what stands in the way, where requests can; they are in the message."""

    def __init__(self, message: str, requests: Sequence[ServerRequest] = ()) -> None:
        self.requests = tuple(requests)
        super().__init__("\n".join([message, *map(str, self.requests)]))


@dataclass(frozen=True)
class Rejection:
    """One reason why one document cannot be added."""

    id: str
    field: str
    """A field of the schema, or `id`, `source` or `terms`."""
    reason: str
    """Shows the value and says what is expected instead."""

    def __str__(self) -> str:
        return f"document {shown(self.id)}, {self.field}: {self.reason}"


class DocumentsRejected(EngineError):
    """`errors` holds a `Rejection` for every fault found in the batch, `added` counts the
    documents of the same call that are stored: those of earlier batches, and, where `partial`, the
    others of this batch, because a server refused what had passed all checks here."""

    def __init__(
        self, errors: Sequence[Rejection], *, added: int = 0, partial: bool = False
    ) -> None:
        self.errors = tuple(errors)
        self.added = added
        self.partial = partial
        rejected = len({error.id for error in self.errors})
        shown = "; ".join(str(error) for error in self.errors[:_SHOWN])
        more = len(self.errors) - _SHOWN
        left = "the others of the batch stored" if partial else "the whole batch left out"
        before = "with those" if partial else "before it"
        super().__init__(
            f"{rejected} document{'s' if rejected != 1 else ''} rejected and {left} ({added} added "
            f"{before}): {shown}{f'; and {more} more' if more > 0 else ''}"
        )
