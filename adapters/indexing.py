"""Documents in, encoded on the way, what the index has already left out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from .engine import Engine
from .errors import ModelMismatch
from .request import check_fingerprint
from .term_encoder import TermEncoder
from .types import Document, Schema
from .values import at

_LOOKED_UP_AT_ONCE = 256
_COMMIT_DOCUMENTS = 1_000
_COMMIT_SECONDS = 2.0


@dataclass(frozen=True)
class Progress:
    """How far indexing has come; what `indexed` counts is committed."""

    indexed: int
    skipped: int
    """Were there already, with the same source and, where there is a model, with its terms."""


def document_text(schema: Schema, source: Mapping[str, Any]) -> str:
    """What an encoder reads of a document: its text fields in the order of the schema, joined by
    newlines; values of the wrong type are left for the engine to reject."""
    if not isinstance(source, Mapping):
        return ""
    found: list[str] = []
    for field in schema.text:
        value = at(source, field)
        items = value if isinstance(value, list) else [value]
        found.extend(item for item in items if isinstance(item, str))
    return "\n".join(found)


class IndexRun:
    """One pass over a stream of documents."""

    def __init__(
        self,
        engine: Engine,
        encoder: TermEncoder | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._engine = engine
        self._encoder = encoder
        self._report = progress or (lambda _: None)
        self._schema = engine.describe()
        self._indexed = 0
        self._skipped = 0
        self._uncommitted: set[str] = set()

    def over(self, documents: Iterable[Document]) -> Progress:
        fingerprint = self._check_model()
        # an index that is locked says so now, not after the first thousand texts are encoded
        self._engine.add((), fingerprint=fingerprint)
        for batch in _timely(self._encoded(self._changed(documents))):
            self._indexed += self._engine.add(batch, fingerprint=fingerprint)
            self._uncommitted.difference_update(document.id for document in batch)
            self._report(self._progress())
        self._engine.refresh()
        self._report(self._progress())
        return self._progress()

    def _progress(self) -> Progress:
        return Progress(self._indexed, self._skipped)

    def _check_model(self) -> str | None:
        if self._encoder is not None:
            check_fingerprint(self._schema, self._encoder.fingerprint)
            return self._encoder.fingerprint
        if self._schema.fingerprint is not None:
            raise ModelMismatch(
                f"the index holds terms of model {self._schema.fingerprint}"
                f"{f' ({self._schema.model})' if self._schema.model else ''}: documents are added "
                "to it with that model's encoder"
            )
        return None

    def _changed(self, documents: Iterable[Document]) -> Iterator[Document]:
        stream = iter(documents)
        while batch := list(islice(stream, _LOOKED_UP_AT_ONCE)):
            stored = self._engine.get(
                [document.id for document in batch if isinstance(document.id, str)],
                with_terms_only=self._encoder is not None,
            )
            for document in batch:
                # one that is on its way in is about to replace what was looked up
                known = document.id in stored and document.id not in self._uncommitted
                if known and stored[document.id] == document.source:
                    self._skipped += 1
                else:
                    self._uncommitted.add(document.id)
                    yield document
            self._report(self._progress())

    def _encoded(self, documents: Iterable[Document]) -> Iterator[Document]:
        if self._encoder is None:
            yield from (replace(document, terms=None) for document in documents)
            return
        waiting: deque[Document] = deque()

        def texts() -> Iterator[str]:
            for document in documents:
                waiting.append(document)
                yield document_text(self._schema, document.source)

        for terms in self._encoder.encode_documents(texts()):
            yield replace(waiting.popleft(), terms=terms)


def _timely(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Batches that are handed on when they are full or when it has been a while."""
    batch: list[Document] = []
    due = time.monotonic() + _COMMIT_SECONDS
    for document in documents:
        batch.append(document)
        if len(batch) == _COMMIT_DOCUMENTS or time.monotonic() >= due:
            yield batch
            batch, due = [], time.monotonic() + _COMMIT_SECONDS
    if batch:
        yield batch
