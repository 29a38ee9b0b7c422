"""What this package needs of a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol


class TermEncoder(Protocol):
    """`latent_terms.TermEncoder` is one, without knowing of this."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything that changes terms."""

    def encode_documents(self, texts: Iterable[str]) -> Iterator[Mapping[str, int]]:
        """Latent term to frequency, for each text in order; reads a bounded number ahead."""

    def encode_query(self, text: str) -> Mapping[str, int]: ...
