"""What a doctor is told, and how it looks at the cluster: by reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..server.cluster import Cluster
from ..server.request import index_path

# a server answers these where it has no such interface, or no such thing
_NOT_THERE = (400, 404, 405)


@dataclass(frozen=True)
class Case:
    cluster: Cluster
    index: str | None
    """None: look at the cluster alone."""
    fingerprint: str | None = None
    """Of the encoder that is to be used; None: whichever the index has."""
    terms_per_query: int | None = None
    """The most latent terms that the encoder gives a query; None: not known."""
    sidecar: str | None = None
    """The sidecar's base URL."""
    sidecar_key: str | None = field(default=None, repr=False)

    @property
    def is_opensearch(self) -> bool:
        return self.cluster.server.distribution == "opensearch"

    def get(self, path: str, **params: object) -> Any:
        """The body of the answer; None where the server has no such thing."""
        answer = self.cluster.request("GET", path, params=params, accept=_NOT_THERE)
        return answer.body if answer.ok else None

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Of the cluster, flat: what is set over what is default."""
        found = self.get("/_cluster/settings", include_defaults=True, flat_settings=True) or {}
        return {
            name: value
            for scope in ("defaults", "persistent", "transient")
            for name, value in found.get(scope, {}).items()
        }

    @cached_property
    def index_settings(self) -> Mapping[str, Mapping[str, Any]]:
        """Of each index behind the name, flat; without defaults. Empty: there is no index."""
        if self.index is None:
            return {}
        found = self.get(
            index_path(self.index, "_settings"), flat_settings=True, expand_wildcards="all"
        )
        return {name: entry["settings"] for name, entry in (found or {}).items()}

    @cached_property
    def mappings(self) -> Mapping[str, Mapping[str, Any]]:
        """Of each index behind the name."""
        if self.index is None:
            return {}
        found = self.get(index_path(self.index, "_mapping")) or {}
        return {name: entry["mappings"] for name, entry in found.items()}
