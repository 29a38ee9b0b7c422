"""Reading one side's texts: cut into windows, windows run a batch at a time, put together again.

For callers that batch windows of many texts themselves. ``TermEncoder`` is made of two of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latent_terms.backbone import Backbone
from latent_terms.pooling import Sums, pooled_vectors, sums_by_window, total, unit_rows
from latent_terms.sae import Sae
from latent_terms.terms import LatentTerms
from latent_terms.windows import (
    Batch,
    Frame,
    TokenIds,
    balanced,
    pad,
    padded_length,
    pieces,
)


class Reading(NamedTuple):
    """What one window gave; what was not asked for is None."""

    sums: Sums | None
    vectors: NDArray[np.float32] | None  # (tokens, dimensions), each of length 1 or zeros
    pooled: NDArray[np.float32] | None  # (dimensions,), of length 1


class TextReader:
    """Documents or queries of one model. Thread-safe; nothing here depends on other texts.

    >>> from latent_terms.testing import hash_encoder
    >>> reader = hash_encoder().documents
    >>> readings = reader.read(list(reader.windows("the cat sat")), terms=True, vectors=True)
    >>> len(reader.terms([r.sums for r in readings])), readings[0].vectors.shape
    (12, (3, 32))
    """

    def __init__(
        self,
        *,
        backbone: Backbone,
        sae: Sae,
        frame: Frame,
        room: int,
        k: int,
        pooling: str,
        finish: Callable[[Sums], LatentTerms],
    ) -> None:
        """``room``: tokens of a window beside its frame; ``finish``: a text's sums to its terms."""
        self.frame = frame
        self.room = room
        self.tokenize = backbone.tokenize
        self._backbone = backbone
        self._sae = sae
        self._k = k
        self._pooling = pooling
        self._finish = finish

    def windows(self, text: str) -> Iterator[TokenIds]:
        """Windows of the whole text in order, cut as they are asked for; none has no tokens."""
        for piece in pieces(self.frame.lead + clean(text)):
            yield from balanced(self.tokenize(piece), self.room)

    def first_window(self, text: str) -> TokenIds:
        """As much of the text's beginning as fits one window: what embeddings are made of."""
        return self.tokenize(next(pieces(self.frame.lead + clean(text))))[: self.room]

    def padded_length(self, window: TokenIds) -> int:
        """The tokens that a window takes up in a batch."""
        return padded_length(len(window), self.frame)

    def read(
        self,
        windows: Sequence[TokenIds],
        *,
        terms: bool = False,
        vectors: bool = False,
        pooled: bool = False,
    ) -> list[Reading]:
        """Run windows of one padded length, in the caller's thread.

        ValueError where their padded lengths differ, or one of them has no tokens.
        """
        lengths = {self.padded_length(window) for window in windows}
        if len(lengths) != 1 or not all(len(window) for window in windows):
            raise ValueError(
                f"padded lengths are {sorted(lengths)}: give windows of one, not empty"
            )
        batch = pad(windows, list(range(len(windows))), self.frame, lengths.pop())
        return self.run(batch, terms=terms, vectors=vectors, pooled=pooled)

    def run(
        self, batch: Batch, *, terms: bool = False, vectors: bool = False, pooled: bool = False
    ) -> list[Reading]:
        """One reading for each window of the batch."""
        states = self._backbone.states(batch.input_ids, batch.attention_mask)
        rows = np.nonzero(batch.content)[0]
        content = states[batch.content]  # (tokens of the batch, dimensions)
        n = len(batch.positions)
        nothing = [None] * n
        return [
            Reading(*parts)
            for parts in zip(
                self._sums(content, rows, n) if terms else nothing,
                np.split(unit_rows(content), np.searchsorted(rows, np.arange(1, n)))
                if vectors
                else nothing,
                pooled_vectors(states, batch.attention_mask, self._pooling) if pooled else nothing,
                strict=True,
            )
        ]

    def terms(self, sums: Sequence[Sums]) -> LatentTerms:
        """The terms of a text from the sums of all its windows, in order."""
        return self._finish(total(sums))

    def _sums(self, states: NDArray[np.float32], rows: NDArray[np.int64], n: int) -> list[Sums]:
        return sums_by_window(self._sae.encode(states).strongest(self._k), rows, n)


def clean(text: str) -> str:
    """Lone surrogates, which have no UTF-8, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
