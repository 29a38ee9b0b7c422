"""The same queries answered by two models' terms in one index, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..dialect.dialect import Dialect
from ..dialect.query import matches_nothing, parts_of, search_body
from ..dialect.schema import Described
from ..errors import ModelMismatch
from ..request import SearchRequest
from ..server.cluster import Cluster
from ..server.request import index_path
from .ranking import overlap, rank_biased_overlap

EncodeQuery = Callable[[str], Mapping[str, int]]

_WARMED_BY = 3  # queries asked once beforehand, so that neither side pays for cold caches
_NO_SOURCE = {"_source": False}
_WHOLE = {"allow_partial_search_results": False}


@dataclass(frozen=True)
class Side:
    """One of the two models."""

    fingerprint: str
    encode_query: EncodeQuery


@dataclass(frozen=True)
class Answered:
    ids: tuple[str, ...]
    """Best first."""
    took: int
    """The server's own time in milliseconds; encoding and network come on top."""


@dataclass(frozen=True)
class Compared:
    query: str
    old: Answered
    new: Answered

    def overlap(self, k: int) -> float:
        return overlap(self.old.ids, self.new.ids, k=k)

    def agreement(self) -> float:
        """Rank-biased overlap, 0 to 1."""
        return rank_biased_overlap(self.old.ids, self.new.ids)


class SideBySide:
    """Each query is answered as a search answers it: words and latent terms in one request.

    Which side goes first alternates. Raises ModelMismatch where the index has no field of a side.
    """

    def __init__(
        self,
        cluster: Cluster,
        index: str,
        described: Described,
        *,
        old: Side,
        new: Side,
        request: SearchRequest,
    ) -> None:
        """`request` has everything but text, terms and fingerprint."""
        for side in (old, new):
            if described.meta.field_of(side.fingerprint) is None:
                raise ModelMismatch(
                    f"{index} has no latent terms of model {side.fingerprint}: start a migration "
                    "to it first"
                )
        self._cluster = cluster
        self._dialect = Dialect.of(cluster.server)
        self._path = index_path(index, "_search")
        self._described = described
        self._old, self._new = old, new
        self._request = request

    def over(self, queries: Iterable[str]) -> Iterator[Compared]:
        for number, query in enumerate(queries):
            if number < _WARMED_BY:
                self._compare(query, swapped=False)
            yield self._compare(query, swapped=number % 2 == 1)

    def _compare(self, query: str, *, swapped: bool) -> Compared:
        if swapped:
            new, old = self._ask(self._new, query), self._ask(self._old, query)
        else:
            old, new = self._ask(self._old, query), self._ask(self._new, query)
        return Compared(query, old, new)

    def _ask(self, side: Side, query: str) -> Answered:
        terms = side.encode_query(query)
        request = replace(
            self._request, text=query, terms=terms, fingerprint=side.fingerprint, body=_NO_SOURCE
        )
        field = self._described.meta.field_of(side.fingerprint)
        parts = parts_of(self._described, request, field.name if field else None)
        if matches_nothing(request, parts):
            return Answered((), 0)
        body = search_body(self._dialect, self._described, request, parts)
        found = self._cluster.request("POST", self._path, params=_WHOLE, body=body).body
        return Answered(tuple(hit["_id"] for hit in found["hits"]["hits"]), int(found["took"]))
