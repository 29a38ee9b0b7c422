"""Text in, ranked hits out: an engine and the encoder of its latent terms, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args

from .engine import Engine
from .errors import QueryRejected
from .filters import ID_FIELD, AnyOf, Filter
from .indexing import IndexRun, Progress, Reject
from .request import (
    DEFAULT_COUNT_TO,
    DEFAULT_LATENT_WEIGHT,
    DEFAULT_LEXICAL_WEIGHT,
    DEFAULT_RESCORE_WINDOW,
    SearchRequest,
)
from .term_encoder import TermEncoder
from .types import Document, Hit, SearchResult

Mode = Literal["combined", "lexical", "latent"]


class Search:
    """Without an encoder it searches by words only, and indexes where there are no latent terms."""

    def __init__(self, engine: Engine, encoder: TermEncoder | None = None) -> None:
        self._engine = engine
        self._encoder = encoder

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
        first_terms: int | None = None,
        rescore_window: int = DEFAULT_RESCORE_WINDOW,
    ) -> SearchResult:
        """Documents by their words, by their latent terms, or by both.

        `mode` None is combined where there is an encoder, else lexical. The other options are
        those of `SearchRequest`. Raises QueryRejected, ModelMismatch.
        """
        mode = self._mode(mode)
        encoder = None if mode == "lexical" else self._encoder
        request = SearchRequest(
            text=None if mode == "latent" else text,
            terms=encoder.encode_query(text) if encoder else None,
            fingerprint=encoder.fingerprint if encoder else None,
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
        return self._engine.search(request)

    def explain(self, text: str, id: str, *, mode: Mode | None = None) -> Hit | None:
        """Why a document matches: its hit, with `term_scores`.

        None when nothing in the query matches it, or when there is no such document.
        """
        only = AnyOf(ID_FIELD, (id,))
        result = self.search(text, mode=mode, filters=(only,), size=1, explain=True)
        return result.hits[0] if result.hits else None

    def _mode(self, mode: Mode | None) -> Mode:
        if mode is None:
            return "combined" if self._encoder else "lexical"
        if mode not in get_args(Mode):
            raise QueryRejected(f"unknown mode {mode!r}: choose {', '.join(get_args(Mode))}")
        if mode != "lexical" and self._encoder is None:
            raise QueryRejected(f"mode {mode!r} needs an encoder: give one to Search")
        return mode
