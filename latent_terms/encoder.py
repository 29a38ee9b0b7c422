"""TermEncoder: texts in, latent terms out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latent_terms.backbone import Backbone
from latent_terms.manifest import Manifest
from latent_terms.pooling import Sums, document_terms, query_terms, sums_by_window, total
from latent_terms.sae import Sae, SparseCodes
from latent_terms.terms import LatentTerms
from latent_terms.vocabulary import Vocabulary
from latent_terms.windows import Batch, Frame, Window, batches, chunks, read_windows

Result = TypeVar("Result")


class TermEncoder:
    """Turns texts into latent terms, and into vectors of the same backbone for comparison.

    Safe to use from several threads. Iterators are lazy: they read a bounded number of texts
    ahead. What a text gets does not depend on the texts beside it.
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
        """``threads``: batches run at a time; by default one a CPU core."""
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}: it must be 1 or more")
        self.manifest = manifest
        self.vocabulary = vocabulary
        self._backbone = backbone
        self._sae = sae
        self._document_frame = backbone.frame(manifest.backbone.document_prefix)
        self._query_frame = backbone.frame(manifest.backbone.query_prefix)
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
        spec = self.manifest.terms
        for sums in self._sums(texts, self._document_frame, self.manifest.sae.document_k):
            yield document_terms(sums, spec.document_scale, spec.max_document_terms)

    def encode_queries(self, texts: Iterable[str]) -> Iterator[LatentTerms]:
        """Terms of each text in order, by descending weight x idf."""
        spec, idf = self.manifest.terms, self.vocabulary.idf
        for sums in self._sums(texts, self._query_frame, self.manifest.sae.query_k):
            yield query_terms(sums, spec.query_scale, spec.max_query_terms, idf)

    def encode_query(self, text: str) -> LatentTerms:
        """Terms of one query."""
        return next(self.encode_queries([text]))

    def _sums(self, texts: Iterable[str], frame: Frame, k: int) -> Iterator[Sums]:
        def run(batch: Batch) -> list[Sums]:
            states = self._backbone.states(batch.input_ids, batch.attention_mask)
            codes = self._sae.encode(states[batch.content])
            owners = np.nonzero(batch.content)[0]
            return sums_by_window(
                SparseCodes(codes.values[:, :k], codes.indices[:, :k]),
                owners,
                len(batch.positions),
                self.manifest.sae.n_latents,
            )

        parts: list[Sums] = []
        size = self.manifest.backbone.max_tokens - frame.size
        windows = read_windows(_checked(texts), self._backbone.tokenize, size)
        for window, sums in self._results(windows, frame, run):
            if sums is not None:
                parts.append(sums)
            if window.ends_text:
                yield total(parts)
                parts = []

    def _results(
        self, windows: Iterable[Window], frame: Frame, run: Callable[[Batch], list[Result]]
    ) -> Iterator[tuple[Window, Result | None]]:
        """Each window in order with its result, None without tokens; two chunks in flight."""
        pending: deque[tuple[list[Window], list[tuple[Batch, Future[list[Result]]]]]] = deque()
        for chunk in chunks(windows):
            jobs = [(batch, self._pool.submit(run, batch)) for batch in batches(chunk, frame)]
            pending.append((chunk, jobs))
            if len(pending) > 1:
                yield from _collect(*pending.popleft())
        for chunk, jobs in pending:
            yield from _collect(chunk, jobs)


def _collect(
    chunk: list[Window], jobs: list[tuple[Batch, Future[list[Result]]]]
) -> Iterator[tuple[Window, Result | None]]:
    results: list[Result | None] = [None] * len(chunk)
    for batch, future in jobs:
        for position, result in zip(batch.positions, future.result(), strict=True):
            results[position] = result
    yield from zip(chunk, results, strict=True)


def _checked(texts: Iterable[str]) -> Iterator[str]:
    """Refuse what is not text; lone surrogates, which have no UTF-8, become question marks."""
    if isinstance(texts, str):
        raise TypeError("texts is one str: give a list of texts")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {position} is a {type(text).__name__}: it must be a str")
        yield text.encode("utf-8", "replace").decode("utf-8")
