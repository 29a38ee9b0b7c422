"""TermEncoder: texts in, latent terms out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from latent_terms.backbone import Backbone
from latent_terms.cores import usable_cores
from latent_terms.errors import ModelFolderError
from latent_terms.manifest import Manifest
from latent_terms.pipeline import run_windows
from latent_terms.pooling import Sums, document_terms, query_terms, total
from latent_terms.reading import TextReader, clean
from latent_terms.sae import Sae
from latent_terms.terms import LatentTerms
from latent_terms.vocabulary import Vocabulary
from latent_terms.windows import first_windows, read_windows

_WINDOWS_HELD = 64  # of one text, before their sums are added up
_TEXTS_HELD = 512  # with their vectors


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
        spec, dictionary = manifest.terms, manifest.sae
        self.documents = self._reader(
            manifest.backbone.document_prefix,
            dictionary.document_k,
            lambda sums: document_terms(sums, spec.document_scale, spec.max_document_terms),
        )
        self.queries = self._reader(
            manifest.backbone.query_prefix,
            dictionary.query_k,
            lambda sums: query_terms(sums, spec.query_scale, spec.max_query_terms, vocabulary.idf),
        )
        self._pool = ThreadPoolExecutor(threads or usable_cores(), "latent-terms")

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
        return _terms(texts, self.documents, self._pool)

    def encode_queries(self, texts: Iterable[str]) -> Iterator[LatentTerms]:
        """Terms of each text in order, by descending weight x idf: the most telling first."""
        return _terms(texts, self.queries, self._pool)

    def encode_query(self, text: str) -> LatentTerms:
        """Terms of one query, in the caller's thread: it does not queue behind documents."""
        return next(_terms([text], self.queries, None))

    def embed_documents(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        """The backbone's own vector (dimensions,) of each text, of length 1.

        As sentence-transformers does, it reads the first ``max_tokens`` tokens only. A text
        without words gives zeros.
        """
        return self._embed(texts, self.documents)

    def embed_queries(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        """As ``embed_documents``, with the query prefix."""
        return self._embed(texts, self.queries)

    def token_vectors(self, texts: Iterable[str]) -> Iterator[NDArray[np.float32]]:
        """The states (tokens, dimensions) of each document's tokens, scaled to length 1."""
        return self._token_vectors(texts, self.documents, self._pool)

    def query_token_vectors(self, text: str) -> NDArray[np.float32]:
        """As ``token_vectors``, of one query, in the caller's thread."""
        return next(self._token_vectors([text], self.queries, None))

    def _token_vectors(
        self, texts: Iterable[str], reader: TextReader, pool: ThreadPoolExecutor | None
    ) -> Iterator[NDArray[np.float32]]:
        lead, nothing = reader.frame.lead, np.zeros((0, self.manifest.backbone.dimensions))
        windows = read_windows(_checked(texts), reader.tokenize, reader.room, lead=lead)
        run = partial(reader.run, vectors=True)
        parts: list[NDArray[np.float32]] = []
        for window, reading in run_windows(windows, reader.frame, run, pool):
            if reading is not None and reading.vectors is not None:
                parts.append(reading.vectors)
            if window.ends_text:
                yield np.concatenate([nothing, *parts]).astype(np.float32)
                parts = []

    def read_documents(
        self, texts: Iterable[str]
    ) -> Iterator[tuple[LatentTerms, NDArray[np.float32]]]:
        """Terms and vector of each text, as the two methods above give them, for less work.

        A text of one window goes through the backbone once; the beginning of a longer one, twice.
        """
        stream = iter(texts)
        while group := list(islice(_checked(stream), _TEXTS_HELD)):
            read = list(_read(group, self.documents, self._pool, pooled=True))
            longer = (text for text, (_, vector) in zip(group, read, strict=True) if vector is None)
            vectors = self.embed_documents(longer)
            for terms, vector in read:
                yield terms, next(vectors) if vector is None else vector

    def _embed(self, texts: Iterable[str], reader: TextReader) -> Iterator[NDArray[np.float32]]:
        windows = first_windows(
            _checked(texts), reader.tokenize, reader.room, lead=reader.frame.lead
        )
        run = partial(reader.run, pooled=True)
        for _, reading in run_windows(windows, reader.frame, run, self._pool):
            if reading is None or reading.pooled is None:
                yield np.zeros(self.manifest.backbone.dimensions, np.float32)
            else:
                yield reading.pooled

    def _reader(self, prefix: str, k: int, finish: Callable[[Sums], LatentTerms]) -> TextReader:
        spec, frame = self.manifest.backbone, self._backbone.frame(prefix)
        if spec.max_tokens - frame.size < 1:
            raise ModelFolderError(
                f"the prefix {prefix!r} fills all {spec.max_tokens} tokens of a "
                "window: build the model folder again with a shorter one"
            )
        return TextReader(
            backbone=self._backbone,
            sae=self._sae,
            frame=frame,
            room=spec.max_tokens - frame.size,
            k=k,
            pooling=spec.pooling,
            finish=finish,
        )


def _terms(
    texts: Iterable[str], reader: TextReader, pool: ThreadPoolExecutor | None
) -> Iterator[LatentTerms]:
    return (terms for terms, _ in _read(_checked(texts), reader, pool, pooled=False))


def _read(
    texts: Iterable[str], reader: TextReader, pool: ThreadPoolExecutor | None, *, pooled: bool
) -> Iterator[tuple[LatentTerms, NDArray[np.float32] | None]]:
    """Terms of each text and, where asked for and it is one window, its vector."""
    windows = read_windows(texts, reader.tokenize, reader.room, lead=reader.frame.lead)
    run = partial(reader.run, terms=True, pooled=pooled)
    parts: list[Sums] = []
    vectors: list[NDArray[np.float32] | None] = []
    for window, reading in run_windows(windows, reader.frame, run, pool):
        if reading is not None and reading.sums is not None:
            parts.append(reading.sums)
            vectors.append(reading.pooled)
        if len(parts) == _WINDOWS_HELD:
            parts = [total(parts)]
        if window.ends_text:
            yield reader.terms(parts), vectors[0] if len(vectors) == 1 else None
            parts, vectors = [], []


def _checked(texts: Iterable[str]) -> Iterator[str]:
    if isinstance(texts, str):
        raise TypeError("texts is one str: give several, as in [text]")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {position} is of type {type(text).__name__}: it must be a str")
        yield clean(text)
