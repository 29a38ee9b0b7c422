"""Token vectors on disk: an LMDB environment that several processes may share.

A commit is whole or not there, also after kill -9 or a power cut. What was used longest ago goes
first when the store is full. Four tables::

    vectors  key -> record           stamps  key -> when it was last used
    ages     when -> key             meta    format, the clock, bytes in use
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rerank_service.errors import SettingsRejected
from rerank_service.records import TokenVectors, from_bytes

if TYPE_CHECKING:
    import lmdb

_FORMAT = b"1"
_NUMBER = struct.Struct(">Q")  # big-endian: sorts as it counts
_PAGE = 4096
_FILL = 0.75  # of the file: LMDB needs free pages to write beside what is in use
_TOUCHED_KEPT = 100_000
_TRIES = 5  # to make room in a file that is full


class StoreStatistics(NamedTuple):
    records: int
    bytes_used: int
    bytes_limit: int


class VectorStore:
    """A cache: ``put`` may leave out what is too large, ``get`` may not find what was put."""

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int, dimensions: int) -> None:
        """Raises SettingsRejected when the folder is no store, or cannot be used."""
        self.path = Path(path)
        self.evicted = 0
        self._dimensions = dimensions
        self._touched: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._limit = int(max_bytes * _FILL)
        self._environment = self._open(max_bytes)

    def get(self, keys: Sequence[bytes]) -> list[TokenVectors | None]:
        """The vectors kept under each key, in order; None where there are none."""
        with self._environment.begin(db=self._vectors, buffers=True) as txn:
            records = [txn.get(key) for key in keys]
            found = [
                None if record is None else from_bytes(record, dimensions=self._dimensions)
                for record in records
            ]
            del records  # they point into the map, and may not outlive the transaction
        with self._lock:
            if len(self._touched) < _TOUCHED_KEPT:
                self._touched.update(
                    (key, None)
                    for key, vectors in zip(keys, found, strict=True)
                    if vectors is not None
                )
        return found

    def put(self, records: Mapping[bytes, bytes]) -> int:
        """Keep records by key, in one commit; returns how many were too large to be kept.

        Evicts what was used longest ago. Raises lmdb.Error when the disk is full or fails.
        """
        import lmdb

        fitting = {key: r for key, r in records.items() if _size(r) <= self._limit // 4}
        with self._lock:
            touched, self._touched = self._touched, {}
        for _ in range(_TRIES):
            try:
                with self._environment.begin(write=True) as txn:
                    evicted = self._write(txn, fitting, touched)
            except lmdb.MapFullError:  # free pages are scattered, or readers still hold them
                self._make_room()
            else:
                self.evicted += evicted
                return len(records) - len(fitting)
        return len(records)

    def statistics(self) -> StoreStatistics:
        with self._environment.begin() as txn:
            used = _number(txn.get(b"used", db=self._meta))
            return StoreStatistics(txn.stat(self._vectors)["entries"], used, self._limit)

    def close(self) -> None:
        self._environment.close()

    def _open(self, max_bytes: int) -> lmdb.Environment:
        import lmdb

        remedy = "free the space, name another folder with --store, or do without: --store none"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            environment = lmdb.open(
                os.fspath(self.path),
                map_size=max(max_bytes // _PAGE, 16) * _PAGE,
                max_dbs=4,
                metasync=False,  # a power cut may lose the last commit, never the store
                readahead=False,
            )
            environment.reader_check()  # places of processes that were killed
            self._vectors, self._stamps, self._ages, self._meta = (
                environment.open_db(name) for name in (b"vectors", b"stamps", b"ages", b"meta")
            )
            with environment.begin(write=True) as txn:
                written = txn.get(b"format", db=self._meta)
                if written is None:
                    txn.put(b"format", _FORMAT, db=self._meta)
        except (lmdb.Error, OSError) as exc:
            raise SettingsRejected(
                f"the vector store {self.path} cannot be opened ({exc}): {remedy}"
            ) from exc
        if written not in (None, _FORMAT):
            environment.close()
            raise SettingsRejected(
                f"the vector store {self.path} is of another version: delete the folder, {remedy}"
            )
        return environment

    def _write(
        self,
        txn: lmdb.Transaction,
        records: Mapping[bytes, bytes],
        touched: Iterable[bytes],
    ) -> int:
        """How many records were evicted for these."""
        clock = _number(txn.get(b"clock", db=self._meta))
        used = _number(txn.get(b"used", db=self._meta))
        for key in touched:
            if key not in records and txn.get(key, db=self._stamps) is not None:
                clock += 1
                self._stamp(txn, key, clock)
        evicted = 0
        for key, record in records.items():
            clock += 1
            if txn.get(key, db=self._vectors) == record:
                self._stamp(txn, key, clock)
                continue
            used -= self._remove(txn, key)
            gone = self._evict(txn, used + _size(record) - self._limit)
            used, evicted = used - sum(gone), evicted + len(gone)
            txn.put(key, record, db=self._vectors)
            self._stamp(txn, key, clock)
            used += _size(record)
        txn.put(b"clock", _NUMBER.pack(clock), db=self._meta)
        txn.put(b"used", _NUMBER.pack(used), db=self._meta)
        return evicted

    def _make_room(self) -> None:
        self._environment.reader_check()
        with self._environment.begin(write=True) as txn:
            gone = self._evict(txn, self._limit // 8)
            used = _number(txn.get(b"used", db=self._meta)) - sum(gone)
            txn.put(b"used", _NUMBER.pack(used), db=self._meta)
        self.evicted += len(gone)

    def _stamp(self, txn: lmdb.Transaction, key: bytes, clock: int) -> None:
        last = txn.get(key, db=self._stamps)
        if last is not None:
            txn.delete(last, db=self._ages)
        stamp = _NUMBER.pack(clock)
        txn.put(key, stamp, db=self._stamps)
        txn.put(stamp, key, db=self._ages)

    def _remove(self, txn: lmdb.Transaction, key: bytes) -> int:
        """The bytes that are free now."""
        record = txn.pop(key, db=self._vectors)
        stamp = txn.pop(key, db=self._stamps)
        if stamp is not None:
            txn.delete(stamp, db=self._ages)
        return 0 if record is None else _size(record)

    def _evict(self, txn: lmdb.Transaction, needed: int) -> list[int]:
        """The sizes of what is gone."""
        gone: list[int] = []
        while sum(gone) < needed:
            with txn.cursor(db=self._ages) as cursor:
                oldest = cursor.value() if cursor.first() else None
            if oldest is None:
                break
            gone.append(self._remove(txn, bytes(oldest)))
        return gone


def _size(record: bytes | memoryview) -> int:
    """What a record takes of the file: whole pages."""
    return -(-(len(record) + 256) // _PAGE) * _PAGE


def _number(packed: bytes | memoryview | None) -> int:
    number: int = _NUMBER.unpack(packed)[0] if packed is not None else 0
    return number
