"""Documents in, encoded on the way, what the index has already left out."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from .document_text import document_text
from .engine import Engine
from .errors import DocumentsRejected, ModelMismatch, Rejection
from .preparing import id_shown
from .server.patience import patiently
from .term_encoder import TermEncoder
from .types import Document

_LOOKED_UP_AT_ONCE = 256
_COMMIT_DOCUMENTS = 1_000
_COMMIT_SECONDS = 2.0


@dataclass(frozen=True)
class Progress:
    """How far indexing has come; what `indexed` counts is committed."""

    indexed: int
    skipped: int
    """Were there already, with the same source and, where there is a model, with its terms."""
    rejected: int = 0
    """Handed to the caller, because the engine does not take them."""


Reject = Callable[[Document, Sequence[Rejection]], None]


class IndexRun:
    """One pass over a stream of documents."""

    def __init__(
        self,
        engine: Engine,
        encoder: TermEncoder | None,
        progress: Callable[[Progress], None] | None,
        reject: Reject | None,
    ) -> None:
        self._engine = engine
        self._encoder = encoder
        self._report = progress or (lambda _: None)
        self._reject = reject
        self._schema = engine.describe()
        self._indexed = 0
        self._skipped = 0
        self._rejected = 0
        self._uncommitted: set[str] = set()

    def over(self, documents: Iterable[Document]) -> Progress:
        fingerprint = self._check_model()
        # an index that is locked, or has no terms of the model, says so now, not after the first
        # thousand texts are encoded
        self._engine.add((), fingerprint=fingerprint)
        for batch in _timely(self._encoded(self._changed(documents))):
            self._indexed += self._add(batch, fingerprint)
            self._uncommitted.difference_update(document.id for document in batch)
            self._report(self._progress())
        patiently(self._engine.refresh)
        self._report(self._progress())
        return self._progress()

    def _progress(self) -> Progress:
        return Progress(self._indexed, self._skipped, self._rejected)

    def _add(self, batch: list[Document], fingerprint: str | None) -> int:
        """Without those that are rejected, where somebody takes them."""
        while True:
            try:
                return patiently(partial(self._engine.add, batch, fingerprint=fingerprint))
            except DocumentsRejected as exc:
                if self._reject is None:
                    raise
                batch = self._without(exc.errors, batch)

    def _without(self, errors: Iterable[Rejection], batch: list[Document]) -> list[Document]:
        faults: dict[str, list[Rejection]] = defaultdict(list)
        for error in errors:
            faults[error.id].append(error)
        left: list[Document] = []
        for document in batch:
            if (name := id_shown(document.id)) in faults and self._reject is not None:
                self._reject(document, faults[name])
                self._rejected += 1
            else:
                left.append(document)
        return left

    def _check_model(self) -> str | None:
        if self._encoder is not None:
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
            ids = [document.id for document in batch if isinstance(document.id, str)]
            with_terms = self._encoder is not None
            stored = patiently(partial(self._engine.get, ids, with_terms_only=with_terms))
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
                yield document_text(self._schema.text, document.source).text

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
