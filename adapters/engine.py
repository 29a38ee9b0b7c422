"""The contract that every engine keeps; `tests/contract` runs it against each of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from .errors import IndexMissing, Rejection, SchemaRejected
from .preparing import prepare
from .request import SearchRequest
from .types import Document, Schema, SearchResult, Source, Statistics


class Engine(ABC):
    """One index in one search engine.

    Every method but `create` raises IndexMissing while there is no index, every method raises
    EngineUnavailable after `close` or when the engine cannot be reached, AccessDenied when it does
    not let us, and IndexUnreadable when what is there cannot be used. Methods that write raise
    IndexLocked while the index is read-only, or, where an engine allows one writer only, while
    another is at work. An engine may be shared between threads.
    """

    @abstractmethod
    def create(self, schema: Schema) -> None:
        """Make an empty index; raises IndexExists when there is one, whatever its schema."""

    @abstractmethod
    def describe(self) -> Schema:
        """The schema that the index was created with."""

    @abstractmethod
    def drop(self) -> None:
        """Remove the index and everything in it; it can be created again."""

    @abstractmethod
    def add(self, documents: Iterable[Document], *, fingerprint: str | None = None) -> int:
        """Store documents, each in place of one with the same id; returns how many there were.

        Reads the documents as a stream and commits batches of at most 1,000 documents or 8 MB.
        What is committed survives a crash, and a crash of the embedded engine leaves whole batches
        only. When a document is not valid, its batch is left out as a whole, DocumentsRejected is
        raised, and the batches before it stay; a document that only a server refuses leaves the
        others of its batch stored. Within one call the last document with an id wins.

        `fingerprint` names the model of the documents' terms: ModelMismatch is raised before
        anything is read when it is not the one of the index.
        """

    def faults(self, document: Document) -> tuple[Rejection, ...]:
        """What is wrong with a document that `add` would reject; empty where nothing is."""
        return prepare(self.describe(), document).rejections

    @abstractmethod
    def get(self, ids: Iterable[str], *, with_terms_only: bool = False) -> dict[str, Source]:
        """The sources of those of the documents that exist, whether refreshed or not.

        `with_terms_only` leaves out documents that were added without terms.
        """

    @abstractmethod
    def delete(self, ids: Iterable[str]) -> int:
        """Remove documents; returns how many there were. An unknown id is not an error."""

    @abstractmethod
    def refresh(self) -> None:
        """From now on `search`, `count` and `statistics` see everything written so far, by
        whomever; without it, when they do is up to the engine."""

    @abstractmethod
    def search(self, request: SearchRequest) -> SearchResult:
        """Hits by descending score; documents of equal score come in an order of the engine's own.

        Scores are BM25 with k1 1.2 and b 0.75, possibly times a constant of the engine. A word
        or term that is in the query n times counts n times. At least 1,000 different words and
        terms are possible.

        Raises QueryRejected for a field that the schema does not have or that cannot be used that
        way, ModelMismatch for terms of another model than that of the index.
        """

    @abstractmethod
    def count(self) -> int:
        """Number of documents."""

    @abstractmethod
    def statistics(self) -> Statistics: ...

    @abstractmethod
    def close(self) -> None:
        """Let go of files, connections and locks. Closing twice is allowed."""

    def ensure(self, schema: Schema) -> None:
        """Create the index, or check that the one that is there has this schema.

        Raises SchemaRejected, naming what differs.
        """
        try:
            existing = self.describe()
        except IndexMissing:
            self.create(schema)
            return
        if existing != schema:
            raise SchemaRejected(f"the index has another schema: {_difference(existing, schema)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _difference(existing: Schema, wanted: Schema) -> str:
    parts = (
        f"{name} is {getattr(existing, name)!r} there, {getattr(wanted, name)!r} was asked for"
        for name in Schema.__dataclass_fields__
        if getattr(existing, name) != getattr(wanted, name)
    )
    return f"{'; '.join(parts)}. Use that schema, or create a new index."
