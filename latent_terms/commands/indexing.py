"""What `index` and `demo` do with documents: check, encode, add, and count."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import click

from adapters import Document, Engine, Schema, Search
from adapters.dead_letters import DeadLetters
from adapters.errors import IndexMissing, Rejection
from adapters.indexing import Progress
from adapters.server.patience import patiently
from latent_terms import TermEncoder
from latent_terms.commands.models import DEFAULT_MODEL, address_of, load_model, load_model_of
from latent_terms.commands.output import Update
from latent_terms.commands.readers import Record, Rejected

TEXT_FIELDS = ("title", "text")


class Plan(NamedTuple):
    """The schema of the index, there already or to be made, and the encoder for its terms."""

    schema: Schema
    encoder: TermEncoder | None


def plan(engine: Engine, given: Mapping[str, Any], *, model: str | None, no_latent: bool) -> Plan:
    """`given` are the parts of the schema that were asked for; the index there knows the others.

    Raises SchemaRejected where what was asked for is not what is there.
    """
    try:
        existing = engine.describe()
    except IndexMissing:
        return _plan_new(given, model=model, no_latent=no_latent)
    fingerprint = None if no_latent else existing.fingerprint
    engine.ensure(replace(existing, **given, fingerprint=fingerprint))
    return Plan(existing, load_model_of(existing, model))


def _plan_new(given: Mapping[str, Any], *, model: str | None, no_latent: bool) -> Plan:
    settings = {"text": TEXT_FIELDS, **given}
    if no_latent:
        return Plan(Schema(**settings), None)
    source = model or DEFAULT_MODEL
    encoder = load_model(source)
    schema = Schema(**settings, fingerprint=encoder.fingerprint, model=address_of(source))
    return Plan(schema, encoder)


@dataclass(frozen=True)
class Report:
    """`seconds` from the first document read to the last one committed."""

    indexed: int
    skipped: int
    rejected: int
    seconds: float

    @property
    def documents_per_second(self) -> float:
        return self.indexed / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"documents_per_second": self.documents_per_second}


@dataclass(frozen=True, kw_only=True)
class ReadDocument(Document):
    record: Record
    """What it was made of."""


class Indexing:
    """One pass over documents into an index."""

    def __init__(self, engine: Engine, plan: Plan, rejected: DeadLetters) -> None:
        self._engine = engine
        self._plan = plan
        self._rejected = rejected
        self._update: Update = lambda completed, note: None
        self._read = 0
        self._under_way: deque[int] = deque()  # how much had been read before each document
        self._finished = 0
        self._completed = 0
        self._started = 0.0

    def over(self, found: Iterable[Record | Rejected], *, update: Update) -> Report:
        """Create the index if need be, and add what is found; `update` draws the progress bar."""
        self._update = update
        self._started = time.monotonic()
        documents = self._documents(_with_text(iter(found), self._plan.schema))
        self._engine.ensure(self._plan.schema)
        search = Search(self._engine, self._plan.encoder)
        done = search.index(documents, progress=self._committed, reject=self._refused)
        seconds = time.monotonic() - self._started
        return Report(done.indexed, done.skipped, self._rejected.count, seconds)

    def read_so_far(self, done: int) -> None:
        """For `Reader.on_progress`."""
        self._read = done

    def _committed(self, done: Progress) -> None:
        """What has been read lies up to a thousand documents ahead of what this counts."""
        while self._finished < done.indexed + done.skipped + done.rejected:
            self._completed = self._under_way.popleft()
            self._finished += 1
        rate = done.indexed / max(time.monotonic() - self._started, 1e-9)
        note = f"{done.indexed:,} indexed, {rate:,.0f}/s"
        self._update(self._completed, f"{note}, {done.skipped:,} skipped" if done.skipped else note)

    def _documents(self, found: Iterator[Record | Rejected]) -> Iterator[Document]:
        """The good ones; an engine would leave out the whole batch of a bad one."""
        for item in found:
            if isinstance(item, Rejected):
                self._rejected.write(where=item.where, reason=item.reason, document=item.raw)
                continue
            document = ReadDocument(item.id, item.source, record=item)
            if faults := patiently(partial(self._engine.faults, document)):
                self._reject(item, faults)
            else:
                self._under_way.append(self._read)
                yield document

    def _refused(self, document: Document, faults: Sequence[Rejection]) -> None:
        """By a server, for reasons that could not be known before."""
        assert isinstance(document, ReadDocument)
        self._reject(document.record, faults)

    def _reject(self, record: Record, faults: Sequence[Rejection]) -> None:
        reason = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
        self._rejected.write(where=record.where, reason=reason, document=record.raw)


def _with_text(found: Iterator[Record | Rejected], schema: Schema) -> Iterator[Record | Rejected]:
    """Look at the first document before an index is made that nothing would be found in."""
    before: list[Record | Rejected] = []
    for item in found:
        before.append(item)
        if isinstance(item, Record):
            _check_text(item, schema)
            break
    return chain(before, found)


def _check_text(record: Record, schema: Schema) -> None:
    if not any(field in record.source for field in schema.text):
        raise click.ClickException(
            f"{record.where}: no text to index: the fields are {', '.join(record.source)}, not "
            f"{' or '.join(schema.text)}. Name those with text by --text-fields."
        )
