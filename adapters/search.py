"""Text in, ranked hits out: an engine and the encoder of its latent terms, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from .engine import Engine
from .errors import QueryRejected
from .filters import ID_FIELD, AnyOf, Filter
from .indexing import IndexRun, Progress, Reject
from .request import (
    DEFAULT_COUNT_TO,
    DEFAULT_FIRST_TERMS,
    DEFAULT_LATENT_WEIGHT,
    DEFAULT_LEXICAL_WEIGHT,
    DEFAULT_RESCORE_WINDOW,
    SearchRequest,
)
from .reranker import Reranker
from .reranking import Page, because, candidates, reranked
from .term_encoder import TermEncoder
from .types import Document, Hit, SearchResult

Mode = Literal["combined", "lexical", "latent"]


@dataclass(frozen=True)
class _Terms:
    """Latent terms of a query, or why there are none."""

    terms: Mapping[str, int] | None = None
    fingerprint: str | None = None
    fault: str | None = None


class Search:
    """Without an encoder it searches by words only, and indexes where there are no latent terms.

    Encoder and reranker may be models in this process or a client of the service. Where one of
    them raises OSError, a search goes on without it, and its result says so.
    """

    def __init__(
        self,
        engine: Engine,
        encoder: TermEncoder | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        self._engine = engine
        self._encoder = encoder
        self._reranker = reranker

    def index(
        self,
        documents: Iterable[Document],
        *,
        progress: Callable[[Progress], None] | None = None,
        reject: Reject | None = None,
    ) -> Progress:
        """Encode the text of the documents and add them; `terms` they bring are ignored.

        A document that is in the index unchanged is skipped, so running again after an
        interruption resumes. Commits every 1,000 documents or two seconds; `progress` is called
        after each commit and each 256 documents looked up. At the end the engine is refreshed, so
        that a search finds what was added.

        A document that the engine does not take is handed to `reject` with the reasons, and the
        others are added; without `reject` it ends the run by DocumentsRejected.

        Raises ModelMismatch, and what `Engine.add` raises.
        """
        return IndexRun(self._engine, self._encoder, progress, reject).over(documents)

    def search(
        self,
        text: str,
        *,
        mode: Mode | None = None,
        fields: tuple[str, ...] | Mapping[str, float] = (),
        filters: tuple[Filter, ...] = (),
        size: int = 10,
        offset: int = 0,
        lexical_weight: float = DEFAULT_LEXICAL_WEIGHT,
        latent_weight: float = DEFAULT_LATENT_WEIGHT,
        explain: bool = False,
        count_to: int = DEFAULT_COUNT_TO,
        body: Mapping[str, Any] | None = None,
        first_terms: int | None = DEFAULT_FIRST_TERMS,
        rescore_window: int = DEFAULT_RESCORE_WINDOW,
        rerank: int | None = None,
    ) -> SearchResult:
        """Documents by their words, by their latent terms, or by both; the best of them reranked.

        `mode` None is combined where there is an encoder, else lexical. `rerank`: how many of the
        first hits the reranker puts in order; None is 100 where there is a reranker, 0 does
        without. Hits below them keep their order. The other options are those of
        `SearchRequest`.

        An encoder that fails leaves the words, and a reranker that fails the order of the first
        stage: `encoded`, `reranked` and `reason` of the result tell. Raises QueryRejected,
        ModelMismatch; and in mode latent the OSError of the encoder, as nothing would be left.
        """
        mode = self._mode(mode)
        page = Page(candidates(rerank, self._reranker, body), size, offset)
        query = self._encode_if_possible(text, mode)
        request = SearchRequest(
            text=None if mode == "latent" else text,
            terms=query.terms,
            fingerprint=query.fingerprint,
            fields=fields,
            filters=filters,
            size=size,
            offset=offset,
            lexical_weight=lexical_weight,
            latent_weight=latent_weight,
            explain=explain,
            count_to=count_to,
            body=body,
            first_terms=first_terms,
            rescore_window=rescore_window,
        )
        result = self._engine.search(page.first_stage(request))
        result = replace(result, encoded=query.terms is not None)
        if query.fault:
            result = because(result, f"not encoded, found by words alone: {query.fault}")
        return page.cut(self._reranked(text, result, page, query))

    def explain(self, text: str, id: str, *, mode: Mode | None = None) -> Hit | None:
        """Why a document matches: its hit, with `term_scores`.

        None when nothing in the query matches it, or when there is no such document. Here an
        encoder that fails is an error. Reranking has no part in it.
        """
        mode = self._mode(mode)
        query = self._encode(text, mode)
        request = SearchRequest(
            text=None if mode == "latent" else text,
            terms=query.terms,
            fingerprint=query.fingerprint,
            filters=(AnyOf(ID_FIELD, (id,)),),
            size=1,
            explain=True,
        )
        hits = self._engine.search(request).hits
        return hits[0] if hits else None

    def _encode(self, text: str, mode: Mode) -> _Terms:
        if mode == "lexical" or self._encoder is None:
            return _Terms()
        return _Terms(self._encoder.encode_query(text), self._encoder.fingerprint)

    def _encode_if_possible(self, text: str, mode: Mode) -> _Terms:
        try:
            return self._encode(text, mode)
        except OSError as exc:
            if mode == "latent":
                raise
            return _Terms(fault=str(exc))

    def _reranked(self, text: str, result: SearchResult, page: Page, query: _Terms) -> SearchResult:
        if self._reranker is None or not page.reranks or not result.hits:
            return result
        encoder: object = self._encoder
        if query.fault and self._reranker is encoder:
            return because(result, "not reranked: that service was not asked again")
        fields = self._engine.describe().text
        return reranked(self._reranker, text, result, fields=fields, count=page.rerank)

    def _mode(self, mode: Mode | None) -> Mode:
        if mode is None:
            return "combined" if self._encoder else "lexical"
        if mode not in get_args(Mode):
            raise QueryRejected(f"unknown mode {mode!r}: choose {', '.join(get_args(Mode))}")
        if mode != "lexical" and self._encoder is None:
            raise QueryRejected(f"mode {mode!r} needs an encoder: give one to Search")
        return mode
