"""What a back-fill reads of its index: how many documents there are to do, and the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..dialect.query import with_field, without_field
from ..errors import EngineBusy
from ..server.failures import reason_of
from ..server.patience import patiently
from ..server.stored import StoredDocument
from .target import Target
from .walk import Page, refuse_partial, walk

Query = Mapping[str, Any]

ALL: Query = {"match_all": {}}


class Documents:
    """Waits where the cluster is busy; raises EngineBusy where that takes too long."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._read = (*target.field.text_fields, target.hash_field)
        self.missing: Query = without_field(target.field.name)
        self.filled: Query = with_field(target.field.name)

    def count(self, query: Query) -> int:
        """Everything that was written before is counted."""
        return patiently(lambda: self._count(query))

    def walk(self, query: Query) -> Iterator[Page]:
        return walk(self._target.cluster, self._target.index, query, fields=self._read)

    def names(self, query: Query) -> Iterator[StoredDocument]:
        """Without sources."""
        for page in walk(self._target.cluster, self._target.index, query, fields=()):
            yield from page

    def again(self, addresses: Sequence[Mapping[str, str]]) -> Page:
        """The documents as they are now, those that are still there, with the latent field."""
        return patiently(lambda: self._again(addresses))

    def _count(self, query: Query) -> int:
        request = self._target.cluster.request
        request("POST", f"{self._target.path}/_refresh")
        answer = request("POST", f"{self._target.path}/_count", body={"query": query})
        refuse_partial(answer)
        return int(answer.body["count"])

    def _again(self, addresses: Sequence[Mapping[str, str]]) -> Page:
        fields = [*self._read, self._target.field.name]
        body = {"docs": [{**address, "_source": fields} for address in addresses]}
        answer = self._target.cluster.request("POST", "/_mget", body=body)
        for found in answer.body["docs"]:
            if "error" in found:
                raise EngineBusy(f"document {found['_id']!r}: {reason_of(found)}")
        return [StoredDocument.read(found) for found in answer.body["docs"] if found["found"]]
