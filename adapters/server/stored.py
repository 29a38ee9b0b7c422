"""A document as it lies in an index of a server, with what it takes to change just this version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class StoredDocument:
    index: str
    id: str
    routing: str | None
    seq_no: int
    primary_term: int
    source: Mapping[str, Any]
    """As much of it as was asked for."""

    @classmethod
    def read(cls, hit: Mapping[str, Any]) -> StoredDocument:
        """From a hit of a search with `seq_no_primary_term`, or a document of `_mget`."""
        return cls(
            index=hit["_index"],
            id=hit["_id"],
            routing=hit.get("_routing"),
            seq_no=hit["_seq_no"],
            primary_term=hit["_primary_term"],
            source=hit.get("_source") or {},
        )

    @property
    def address(self) -> dict[str, str]:
        """For an item of `_mget` or `_bulk`."""
        found = {"_index": self.index, "_id": self.id}
        return found if self.routing is None else found | {"routing": self.routing}

    @property
    def version(self) -> dict[str, int]:
        return {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}

    def without_source(self) -> StoredDocument:
        return replace(self, source={})
