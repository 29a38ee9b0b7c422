"""Pipelines by which a cluster calls the sidecar itself: what is wanted, and what it is called.

Everything is named after the index and the model, so that pipelines of two models stand side by
side while one takes over from the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from ..dialect.dialect import latent_field_name
from ..dialect.meta import LatentField
from ..errors import UnsupportedAddress

_URL = re.compile(r"https?://[^/?#\s@]+(/[^?#\s@]*)?")
_NOT_IN_ENDPOINTS = re.compile(r"[^a-z0-9_-]")


@dataclass(frozen=True)
class Sidecar:
    url: str
    """Base URL, as the cluster reaches it, without a slash at the end."""
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raises UnsupportedAddress."""
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if not _URL.fullmatch(self.url):
            raise UnsupportedAddress(
                f"{self.url!r} is no base URL of a sidecar: write http://HOST:PORT"
            )


@dataclass(frozen=True)
class Names:
    """Of all that is made for one index and one model."""

    index: str
    fingerprint: str

    @property
    def field(self) -> str:
        return latent_field_name(self.fingerprint)

    @property
    def base(self) -> str:
        """The ingest pipeline, and the search pipeline that encodes queries."""
        return f"latent-terms-{self.index}-{self.fingerprint[:6]}"

    @property
    def reranking(self) -> str:
        """The search pipeline that encodes queries and reranks."""
        return f"{self.base}-rerank"

    @property
    def models(self) -> dict[Role, str]:
        """What ml-commons of OpenSearch knows the sidecar as."""
        return {role: f"{self.base}-{role}" for role in ROLES}

    @property
    def endpoints(self) -> dict[Task, str]:
        """Of Elasticsearch's inference API, which takes fewer characters than an index does."""
        base = _NOT_IN_ENDPOINTS.sub("-", self.base)
        return {"completion": f"{base}-queries", "rerank": f"{base}-rerank"}


Role = Literal["documents", "queries", "rerank"]
ROLES: tuple[Role, ...] = ("documents", "queries", "rerank")
Task = Literal["completion", "rerank"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Pipelines for the latent terms of one index."""

    index: str
    latent: LatentField
    """The field that they fill and search."""
    sidecar: Sidecar
    batch_size: int = 16
    """Documents of one bulk request that are encoded by one call."""
    skip_failures: bool = False
    """Whether a document that cannot be encoded is stored without terms; else it is refused."""
    oversample: int = 5
    """Hits that are reranked for each one that is returned."""

    @property
    def names(self) -> Names:
        return Names(self.index, self.latent.fingerprint)
