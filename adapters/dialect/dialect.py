"""What differs between the servers, and how latent terms are written for them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..server.address import Distribution
from ..server.version import Server

Spelling = Literal["repeat", "frequencies"]
"""`repeat`: t17 t17 t902; `frequencies`: t17|2 t902|1. Both score the same."""

ALIAS = "latent_terms"
"""The field alias that leads to the active latent field."""
META_KEY = "latent_terms"
"""Where in the mapping's `_meta` the latent fields are described."""


@dataclass(frozen=True)
class Dialect:
    distribution: Distribution
    version: tuple[int, int, int]

    @classmethod
    def of(cls, server: Server) -> Dialect:
        return cls(server.distribution, server.version)

    @property
    def spelling(self) -> Spelling:
        """Of an index that we create; the analysis filter for frequencies is OpenSearch's own."""
        return "frequencies" if self.distribution == "opensearch" else "repeat"

    @property
    def keeps_order(self) -> bool:
        """Whether keys of a source keep their order when some are left out."""
        return self.distribution == "elasticsearch"


def latent_field_name(fingerprint: str) -> str:
    """One field for each model."""
    return f"{ALIAS}_{fingerprint[:6]}"


def hash_field_name(field: str) -> str:
    """Beside a latent field that was back-filled: which text its terms were made of."""
    return f"{field}_hash"


def is_reserved(field: str) -> bool:
    """Whether a field is one of ours; documents must not bring it."""
    return field.startswith(ALIAS)


def spell(terms: Mapping[str, int], spelling: Spelling) -> str:
    if spelling == "frequencies":
        return " ".join(f"{term}|{n}" for term, n in terms.items())
    return " ".join(" ".join([term] * n) for term, n in terms.items())
