"""Latent terms for the documents of an index that is in use."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..bulk.answer import Outcome
from ..bulk.bulk import Bulk
from ..errors import EngineError
from ..server.stored import StoredDocument
from ..term_encoder import TermEncoder
from .documents import Encodable, updates
from .pressure import Pressure
from .reading import ALL, Documents
from .target import Target
from .walk import Page

MOST_PASSES = 6
MOST_REJECTED = 10_000

_NOT_THERE = 404
_CHANGED_MEANWHILE = 409
_READ_AGAIN_AT_ONCE = 200
_MOST_ROUNDS = 20
_SECONDS_BETWEEN_ROUNDS = 0.2
_SERVER_TIMEOUT = "20s"  # for a shard that is not there: before the client's own
_READ_OF_ANSWERS = "items.*.status,items.*.error"

Name = tuple[str, str | None]
"""Id and routing."""


@dataclass(frozen=True)
class BackfillProgress:
    """Numbers of documents."""

    total: int = 0
    """To be looked at, as counted at the start."""
    updated: int = 0
    """Have got their latent terms."""
    without_text: int = 0
    """Of those: got an empty field, because there was no text."""
    unchanged: int = 0
    """Had the terms of their present text already."""
    conflicts: int = 0
    """Times that a document was changed while its text was encoded; it was read again then."""
    gone: int = 0
    """Deleted meanwhile."""
    rejected: int = 0
    missing: int = 0
    """Without latent terms at the end; each was rejected."""
    not_text: Mapping[str, int] = field(default_factory=dict)
    """For each field: documents in which it holds something else than text, which was left out."""

    @property
    def finished(self) -> int:
        return self.updated + self.unchanged + self.gone + self.rejected

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Backfill:
    """Adds the latent field to the documents that lack it, and changes nothing else of them.

    A document is updated only in the version that was read (`if_seq_no`): where somebody changed
    it meanwhile it is read, encoded and tried again. Running again goes on where a run ended,
    however it ended, because what is done lacks the field no more.

    With `changed` every document is looked at, and those are encoded again whose text is no
    longer the one that their terms were made of: a partial update by others keeps the old terms.

    `reject` is called with the document and the reason for each that could not be filled.
    """

    def __init__(
        self,
        target: Target,
        encoder: TermEncoder,
        *,
        changed: bool = False,
        reject: Callable[[StoredDocument, str], None],
    ) -> None:
        self._target = target
        self._encoder = encoder
        self._changed = changed
        self._tell_rejected = reject
        self._documents = Documents(target)
        self._progress = BackfillProgress()
        self._tell_progress: Callable[[BackfillProgress], None] = lambda _: None
        self._not_text: Counter[str] = Counter()
        self._conflicts: deque[StoredDocument] = deque()
        self._rejected: set[Name] = set()
        params = {"timeout": _SERVER_TIMEOUT, "filter_path": _READ_OF_ANSWERS}
        self._bulk = Bulk(
            lambda lines: target.cluster.bulk(lines, params=params),
            hold=Pressure(target.cluster).hold,
        )

    def to_do(self) -> int:
        """Documents to be looked at."""
        return self._documents.count(ALL if self._changed else self._documents.missing)

    def run(
        self, progress: Callable[[BackfillProgress], None] = lambda _: None
    ) -> BackfillProgress:
        """Adds the field to the mapping, fills it, and looks which documents lack it at the end.

        Raises EngineError where the index or the cluster stops it, or when MOST_REJECTED documents
        cannot be filled.
        """
        self._tell_progress = progress
        self._target.add_fields()
        here = self._documents
        self._add(total=self.to_do())
        if self._changed:
            self._pass(here.walk(here.filled), filled=True)
        for _ in range(MOST_PASSES):
            self._pass(here.walk(here.missing))
            if next(self._left(), None) is None:
                break
        for document in self._left():
            self._reject(document, "written without latent terms while the back-fill ran")
        self._add(missing=here.count(here.missing))
        return replace(self._progress, not_text=dict(self._not_text))

    def _left(self) -> Iterator[StoredDocument]:
        """Documents without the field that were not rejected."""
        if self._documents.count(self._documents.missing):
            for document in self._documents.names(self._documents.missing):
                if _name(document) not in self._rejected:
                    yield document

    def _pass(self, pages: Iterable[Page], *, filled: bool = False) -> None:
        """`filled`: the documents have the field already, and may need another."""
        self._fill(pages, filled=filled)
        for _ in range(_MOST_ROUNDS):
            if not self._conflicts:
                return
            self._fill(self._pages_of_conflicts())
            time.sleep(_SECONDS_BETWEEN_ROUNDS)
        while self._conflicts:
            self._reject(self._conflicts.popleft(), "changed by others again and again")

    def _fill(self, pages: Iterable[Page], *, filled: bool = False) -> None:
        actions = updates(self._target, self._encoder, self._encodable(pages, filled))
        with closing(self._bulk.run(actions)) as outcomes:  # an error in here stops it, too
            for outcome in outcomes:
                self._settle(outcome)
                self._tell_progress(self._progress)

    def _encodable(self, pages: Iterable[Page], filled: bool) -> Iterator[Encodable]:
        for page in pages:
            yield from self._to_encode(page, filled)
            while len(self._conflicts) >= _READ_AGAIN_AT_ONCE:
                yield from self._to_encode(self._read_again(), False)

    def _to_encode(self, page: Page, filled: bool) -> Iterator[Encodable]:
        for document in page:
            item = Encodable.of(self._target, document)
            if _name(document) in self._rejected:
                continue
            if self._is_up_to_date(item, filled):
                self._add(unchanged=1)
            else:
                self._not_text.update(item.text.not_text)
                yield item

    def _is_up_to_date(self, item: Encodable, filled: bool) -> bool:
        """A field without a hash was filled by others, along with the text."""
        source = item.document.source
        if not filled and self._target.field.name not in source:
            return False
        known = source.get(self._target.hash_field)
        return bool(known == item.hash or (known is None and not self._changed))

    def _pages_of_conflicts(self) -> Iterator[Page]:
        while self._conflicts:
            yield self._read_again()

    def _read_again(self) -> Page:
        some = min(len(self._conflicts), _READ_AGAIN_AT_ONCE)
        documents = [self._conflicts.popleft() for _ in range(some)]
        page = self._documents.again([document.address for document in documents])
        self._add(gone=len(documents) - len(page))
        return page

    def _settle(self, outcome: Outcome[Encodable]) -> None:
        item = outcome.action.subject
        if outcome.done:
            self._add(updated=1, without_text=0 if item.text.text else 1)
        elif outcome.status == _CHANGED_MEANWHILE:
            self._conflicts.append(item.document.without_source())
            self._add(conflicts=1)
        elif outcome.status == _NOT_THERE:
            self._add(gone=1)
        else:
            self._reject(item.document, outcome.reason)

    def _reject(self, document: StoredDocument, reason: str) -> None:
        self._rejected.add(_name(document))
        self._add(rejected=1)
        self._tell_rejected(document, reason)
        if self._progress.rejected >= MOST_REJECTED:
            raise EngineError(
                f"{document.index}: {MOST_REJECTED:,} documents could not be filled, the last, "
                f"{document.id!r}, because: {reason}. Correct the cause and run it again."
            )

    def _add(self, **numbers: int) -> None:
        now = {name: getattr(self._progress, name) + n for name, n in numbers.items()}
        self._progress = replace(self._progress, **now)


def _name(document: StoredDocument) -> Name:
    return document.id, document.routing
