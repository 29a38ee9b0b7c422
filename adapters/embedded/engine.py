"""The embedded engine: tantivy in this process, its index in a folder of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import tantivy

from ..engine import Engine
from ..errors import (
    DocumentsRejected,
    EngineUnavailable,
    IndexLocked,
    IndexUnreadable,
    QueryRejected,
)
from ..filters import ID_FIELD
from ..preparing import batches, id_groups, prepare
from ..request import SearchRequest, check_fingerprint, check_request
from ..types import Document, Schema, SearchResult, Source, Statistics
from .folder import IndexFolder
from .mapping import HAS_TERMS_FIELD, TantivyMapping, stored_id, stored_source
from .query import matching, run

_WRITER_BYTES = 64_000_000
_IDS_AT_ONCE = 1_000


@dataclass(frozen=True)
class _Open:
    mapping: TantivyMapping
    index: tantivy.Index


class EmbeddedEngine(Engine):
    """Searches see each commit of this engine at once, and those of other processes after
    `refresh`. The first method that writes takes the index's writer lock, `close` returns it."""

    def __init__(self, path: Path) -> None:
        self._folder = IndexFolder(path)
        self._lock = threading.RLock()
        self._opened: _Open | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._closed = False

    def create(self, schema: Schema) -> None:
        with self._lock:
            self._refuse_closed()
            schema.check_new()
            self._folder.prepare()
            created = self._open_segments(schema, create=True)
            self._folder.write_schema(schema)
            self._opened = created

    def describe(self) -> Schema:
        return self._open().mapping.schema

    def drop(self) -> None:
        with self._lock:
            self._open()
            self._take_writer()
            self._close_writer()
            self._opened = None
            self._folder.remove()

    def add(self, documents: Iterable[Document], *, fingerprint: str | None = None) -> int:
        mapping = self._open().mapping
        if fingerprint is not None:
            check_fingerprint(mapping.schema, fingerprint)
        self._take_writer()
        added = 0
        for batch in batches(prepare(mapping.schema, document) for document in documents):
            if errors := [error for item in batch for error in item.rejections]:
                raise DocumentsRejected(errors, added=added)
            with self._transaction() as writer:
                for item in batch:
                    writer.delete_documents_by_term(ID_FIELD, item.document.id)
                    writer.add_document(mapping.document(item))
            added += len(batch)
        return added

    def get(self, ids: Iterable[str], *, with_terms_only: bool = False) -> dict[str, Source]:
        self.refresh()
        mapping, searcher = self._open().mapping, self._searcher()
        found: dict[str, Source] = {}
        for some in id_groups(ids, _IDS_AT_ONCE):
            query = matching(mapping, ID_FIELD, some)
            if with_terms_only:
                query = query.and_must_match(_having_terms(mapping))
            with self._reading():
                for _, address in searcher.search(query, limit=len(some), count=False).hits:
                    document = searcher.doc(address)
                    found[stored_id(document)] = stored_source(document)
        return found

    def delete(self, ids: Iterable[str]) -> int:
        mapping = self._open().mapping
        self._take_writer()
        deleted = 0
        for some in id_groups(ids, _IDS_AT_ONCE):
            with self._transaction() as writer:
                deleted += _count(self._searcher(), matching(mapping, ID_FIELD, some))
                for id in some:
                    writer.delete_documents_by_term(ID_FIELD, id)
        return deleted

    def refresh(self) -> None:
        index = self._open().index
        with self._reading():
            index.reload()

    def search(self, request: SearchRequest) -> SearchResult:
        mapping = self._open().mapping
        check_request(mapping.schema, request)
        _refuse_server_part(request)
        with self._reading():
            return run(self._searcher(), mapping, request)

    def count(self) -> int:
        return self._searcher().num_docs

    def statistics(self) -> Statistics:
        mapping, searcher = self._open().mapping, self._searcher()
        return Statistics(
            documents=searcher.num_docs,
            documents_with_terms=_count(searcher, _having_terms(mapping)),
            bytes_on_disk=self._folder.size(),
            schema=mapping.schema,
        )

    def close(self) -> None:
        with self._lock:
            self._close_writer()
            self._opened = None
            self._closed = True

    def _open(self) -> _Open:
        with self._lock:
            self._refuse_closed()
            if self._opened is None:
                self._opened = self._open_segments(self._folder.read_schema(), create=False)
            return self._opened

    def _open_segments(self, schema: Schema, *, create: bool) -> _Open:
        segments = str(self._folder.segments)
        if not create and not (self._folder.segments.is_dir() and tantivy.Index.exists(segments)):
            raise self._unreadable("tantivy's files are not there")
        mapping = TantivyMapping(schema)
        try:
            index = tantivy.Index(mapping.fields, path=segments, reuse=True)
            index.config_reader(reload_policy="manual")
        except (OSError, ValueError) as exc:
            raise self._unreadable(str(exc)) from exc
        mapping.register(index)
        return _Open(mapping, index)

    def _unreadable(self, reason: str) -> IndexUnreadable:
        return IndexUnreadable(
            f"the index in {self._folder.path} cannot be read ({reason}): restore it from a "
            "copy, or delete the folder and index again"
        )

    def _searcher(self) -> tantivy.Searcher:
        return self._open().index.searcher()

    def _take_writer(self) -> tantivy.IndexWriter:
        with self._lock:
            index = self._open().index
            if self._writer is None:
                try:
                    self._writer = index.writer(_WRITER_BYTES, num_threads=1)
                except ValueError as exc:
                    if "LockBusy" not in str(exc):
                        raise self._unwritable(exc) from exc
                    raise IndexLocked(
                        f"the index in {self._folder.path} is being written by another process, "
                        "or by another engine of this one: wait until it is done, or close it"
                    ) from exc
                self.refresh()  # nobody else can write from here on
            return self._writer

    @contextmanager
    def _transaction(self) -> Iterator[tantivy.IndexWriter]:
        """Commits what the block writes; when anything fails, nothing of it is kept."""
        with self._lock:
            writer = self._take_writer()
            committed = False
            try:
                yield writer
                writer.commit()
                committed = True
            except (OSError, ValueError) as exc:  # tantivy's I/O errors are ValueErrors
                raise self._unwritable(exc) from exc
            finally:
                if not committed:
                    self._close_writer()
            self.refresh()

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            # gives the lock back and forgets what is not committed; merging only tidies up
            with suppress(ValueError):
                writer.wait_merging_threads()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as exc:
            raise self._unreadable(str(exc)) from exc

    def _unwritable(self, exc: Exception) -> EngineUnavailable:
        return EngineUnavailable(
            f"the index in {self._folder.path} cannot be written: {exc}. "
            "Check the disk's free space and the folder's permissions."
        )

    def _refuse_closed(self) -> None:
        if self._closed:
            raise EngineUnavailable(f"{self._folder.path} was closed: connect to it again")


def _refuse_server_part(request: SearchRequest) -> None:
    if request.body is not None:
        raise QueryRejected(
            "body is for OpenSearch and Elasticsearch: leave it out for an embedded index"
        )


def _having_terms(mapping: TantivyMapping) -> tantivy.Query:
    return tantivy.Query.term_query(mapping.fields, HAS_TERMS_FIELD, True)


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return int(searcher.search(query, limit=1).count)  # type: ignore[attr-defined]
