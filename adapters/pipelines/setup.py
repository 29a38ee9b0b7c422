"""Pipelines and inference endpoints of one index: put up, looked at, and taken down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ..backfill.target import Target, check_model, read_index
from ..dialect.mapping import mapping_update
from ..server.cluster import Cluster
from ..server.request import ServerRequest
from .pipelines import Names, Wanted

Kind = Literal["model", "endpoint", "ingest pipeline", "search pipeline"]
_IN_ORDER = ("there", "deployed", "partially_deployed")


@dataclass(frozen=True)
class Part:
    """Something that is made in the cluster."""

    kind: Kind
    name: str
    state: str
    """`missing`, `there`, or, of a model, what the server says of it."""
    id: str | None = None
    """Of a model: what pipelines know it by."""


@dataclass(frozen=True)
class Installed:
    """All that belongs to one index and one model."""

    names: Names
    parts: tuple[Part, ...]
    attached: bool = False
    """Whether the ingest pipeline is the index's default one."""

    @property
    def is_complete(self) -> bool:
        return all(part.state in _IN_ORDER for part in self.parts)


class Setup(Protocol):
    """What is done in one kind of cluster."""

    def installed(self) -> Installed: ...

    def example(self, text_fields: Sequence[str]) -> list[ServerRequest]:
        """How to search by what is installed."""

    def requests(self, wanted: Wanted, *, attach: bool) -> list[ServerRequest]:
        """What `install` would send, to be shown: without keys, and with a placeholder for what
        the server has yet to name."""

    def install(self, wanted: Wanted, *, attach: bool, renew: bool = False) -> None:
        """Running it again changes nothing; `attach` has the index use the ingest pipeline.

        What is there and works is kept, with the key that it was given: nobody can see which it
        is. With `renew` it gets the key of now.

        Raises PipelineRefused, ModelMismatch.
        """

    def removal(self) -> list[ServerRequest]:
        """What `remove` would send; empty where there is nothing."""

    def remove(self) -> None:
        """Documents keep their latent terms."""


def field_requests(target: Target) -> list[ServerRequest]:
    """Adds the latent field to the index, and has searches use it unless they use another.

    Raises ModelMismatch where the index has the terms of another model only.
    """
    found = read_index(target.cluster, target.index)
    field, meta = target.field, found.meta
    if meta.field_of(field.fingerprint) is None:
        check_model(target)
        meta = meta.with_field(field)
    if meta.active is None:
        meta = meta.activated(field.name)
    if meta == found.meta:
        return []
    body = mapping_update(found.mapping, meta, field)
    return [ServerRequest("PUT", f"{target.path}/_mapping", body)]


def send(cluster: Cluster, requests: Sequence[ServerRequest]) -> None:
    for request in requests:
        cluster.request(request.method, request.path, body=request.body)
