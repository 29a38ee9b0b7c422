"""TermEncoder: texts in, latent terms out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from latent_terms.backbone import Backbone
from latent_terms.errors import ModelFolderError
from latent_terms.manifest import Manifest
from latent_terms.pipeline import run_windows
from latent_terms.pooling import (
    Sums,
    document_terms,
    pooled_vectors,
    query_terms,
    sums_by_window,
    total,
)
from latent_terms.sae import Sae
from latent_terms.terms import LatentTerms
from latent_terms.vocabulary import Vocabulary
from latent_terms.windows import Batch, Frame, first_windows, read_windows

_WINDOWS_HELD = 64  # of one text, before their sums are added up


class TermEncoder:
    """Turns texts into latent terms, and into vectors of the same backbone for comparison.

    Safe to use from several threads. Iterators are lazy and read a bounded number of texts
    ahead. What a text gets does not depend on the texts beside it. Every method takes ``str``
    only (TypeError names the position of anything else).
    """

    def __init__(
        self,
        *,
        manifest: Manifest,
        backbone: Backbone,
        sae: Sae,
        vocabulary: Vocabulary,
        threads: int | None = None,
    ) -> None:
        """``threads``: how many batches run at a time; by default one a CPU core."""
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}: it must be 1 or more")
        self.manifest = manifest
        self.vocabulary = vocabulary
        self._backbone = backbone
        self._sae = sae
        self._document_frame = self._frame(manifest.backbone.document_prefix)
        self._query_frame = self._frame(manifest.backbone.query_prefix)
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, "latent-terms")

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @property
    def fingerprint(self) -> str:
        """12 hex digits that change with anything that changes terms."""
        return self.manifest.fingerprint

    def encode_documents(self, texts: Iterable[str]) -> Iterator[LatentTerms]:
        """Terms of each text in order, heaviest first; a text without words has none."""
        spec, k = self.manifest.terms, self.manifest.sae.document_k
        for sums in self._sums(texts, self._document_frame, k, self._pool):
            yield document_terms(sums, spec.document_scale, spec.max_document_terms)

    def encode_queries(self, texts: Iterable[str]) -> Iterator[LatentTerms]:
        """Terms of each text in order, by descending weight x idf: the most telling first."""
        return self._queries(texts, self._pool)

    def encode_query(self, text: str) -> LatentTerms:
        """Terms of one query, in the caller's thread: it does not queue behind documents."""
        return next(self._queries([text], None))

    def embed_documents(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        """The backbone's own vector (dimensions,) of each text, of length 1.

        As sentence-transformers does, it reads the first ``max_tokens`` tokens only. A text
        without words gives zeros.
        """
        return self._vectors(texts, self._document_frame)

    def embed_queries(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        """As ``embed_documents``, with the query prefix."""
        return self._vectors(texts, self._query_frame)

    def _queries(
        self, texts: Iterable[str], pool: ThreadPoolExecutor | None
    ) -> Iterator[LatentTerms]:
        spec, idf = self.manifest.terms, self.vocabulary.idf
        for sums in self._sums(texts, self._query_frame, self.manifest.sae.query_k, pool):
            yield query_terms(sums, spec.query_scale, spec.max_query_terms, idf)

    def _sums(
        self, texts: Iterable[str], frame: Frame, k: int, pool: ThreadPoolExecutor | None
    ) -> Iterator[Sums]:
        windows = read_windows(
            _checked(texts), self._backbone.tokenize, self._room(frame), lead=frame.lead
        )
        parts: list[Sums] = []
        for window, sums in run_windows(windows, frame, self._summer(k), pool):
            if sums is not None:
                parts.append(sums)
            if len(parts) == _WINDOWS_HELD:
                parts = [total(parts)]
            if window.ends_text:
                yield total(parts)
                parts = []

    def _summer(self, k: int) -> Callable[[Batch], list[Sums]]:
        def run(batch: Batch) -> list[Sums]:
            states = self._backbone.states(batch.input_ids, batch.attention_mask)
            codes = self._sae.encode(states[batch.content]).strongest(k)
            rows = np.nonzero(batch.content)[0]
            return sums_by_window(codes, rows, len(batch.positions))

        return run

    def _vectors(self, texts: Iterable[str], frame: Frame) -> Iterator[NDArray[np.float32]]:
        spec = self.manifest.backbone

        def run(batch: Batch) -> list[NDArray[np.float32]]:
            states = self._backbone.states(batch.input_ids, batch.attention_mask)
            return list(pooled_vectors(states, batch.attention_mask, spec.pooling))

        windows = first_windows(
            _checked(texts), self._backbone.tokenize, self._room(frame), lead=frame.lead
        )
        for _, vector in run_windows(windows, frame, run, self._pool):
            yield np.zeros(spec.dimensions, np.float32) if vector is None else vector

    def _frame(self, prefix: str) -> Frame:
        frame = self._backbone.frame(prefix)
        if self._room(frame) < 1:
            raise ModelFolderError(
                f"the prefix {prefix!r} fills all {self.manifest.backbone.max_tokens} tokens of a "
                "window: build the model folder again with a shorter one"
            )
        return frame

    def _room(self, frame: Frame) -> int:
        return self.manifest.backbone.max_tokens - frame.size


def _checked(texts: Iterable[str]) -> Iterator[str]:
    """Refuse what is not text; lone surrogates, which have no UTF-8, become question marks."""
    if isinstance(texts, str):
        raise TypeError("texts is one str: give several, as in [text]")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {position} is of type {type(text).__name__}: it must be a str")
        yield text.encode("utf-8", "replace").decode("utf-8")
