"""The four runs of an evaluation: lexical, dense, latent and combined over one collection.

Lexical, latent and combined are answered by the embedded engine from an index in a temporary
folder; dense is the exact cosine of the backbone's own vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import tee
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from adapters import Document, Engine, Schema, SearchRequest, connect
from adapters.types import Analyzer
from latent_terms import LatentTerms, TermEncoder
from latent_terms.commands.output import progress
from latent_terms.evaluation import (
    RUNS,
    Collection,
    CollectionDocument,
    Evaluation,
    measure,
    nearest,
    require_extra,
)

DEPTH = 100  # the deepest measure is recall@100

Item = TypeVar("Item")
Run = dict[str, list[str]]  # query id -> document ids, best first
Vector = NDArray[np.float32]
_Encoded = tuple[LatentTerms | None, Vector | None]


@dataclass(frozen=True)
class _Seen:
    """What is kept of the documents that passed into the index."""

    ids: list[str] = field(default_factory=list)
    frequencies: Counter[str] = field(default_factory=Counter)  # latent term -> documents with it
    copies: set[str] = field(default_factory=set)  # queries that are themselves in the corpus
    vectors: list[Vector] = field(default_factory=list)  # where the dense run is wanted

    def note(
        self,
        document: CollectionDocument,
        terms: Iterable[str],
        vector: Vector | None,
        query: str | None,
    ) -> None:
        self.ids.append(document.id)
        if vector is not None:
            self.vectors.append(vector)
        self.frequencies.update(list(terms))  # of a mapping it would add up the values
        if query is not None and _words(document.text).endswith(_words(query)):
            self.copies.add(document.id)


def evaluate(
    collection: Collection,
    encoder: TermEncoder,
    *,
    runs: Container[str] = RUNS,
    analyzer: Analyzer = "standard",
    lexical_weight: float = SearchRequest.lexical_weight,
    latent_weight: float = SearchRequest.latent_weight,
) -> Evaluation:
    """Index the collection, ask its queries in each of the `runs`, and measure the answers.

    To compare models quickly, ask for `runs=("latent",)` only. The weights concern `combined`,
    the analyzer what a word is.
    A document that has the id and the text of the query is not counted among its hits: in
    collections such as ArguAna every query is itself a document.

    Raises:
        CollectionError: the collection cannot be read.
        EvalExtraMissing: the extra `eval` is not installed.
    """
    require_extra()
    latent = "latent" in runs or "combined" in runs
    asked = _query_terms(collection, encoder) if latent else {}
    schema = Schema(text=("text",), analyzer=analyzer)
    if latent:
        schema = replace(schema, fingerprint=encoder.fingerprint, model=encoder.name)
    # One hit more, for the document that is the query.
    plain = SearchRequest(size=DEPTH + 1, fingerprint=schema.fingerprint)
    weighted = replace(plain, lexical_weight=lexical_weight, latent_weight=latent_weight)
    seen = _Seen()
    answers: dict[str, Run] = {}
    with (
        TemporaryDirectory(prefix="latent-terms-eval-") as folder,
        connect(Path(folder) / "index") as engine,
    ):
        engine.create(schema)
        encode = partial(_encode, encoder, terms=latent, vectors="dense" in runs)
        documents = _documents(collection, encode, seen)
        engine.add(documents, fingerprint=schema.fingerprint)
        engine.refresh()
        for run in ("lexical", "latent", "combined"):
            if run in runs:
                base = weighted if run == "combined" else plain
                answers[run] = _ask(engine, run, base, collection.queries, asked)
    if "dense" in runs:
        answers["dense"] = _dense(collection, encoder, seen)
    return _measured(collection, answers, asked, seen)


def _query_terms(collection: Collection, encoder: TermEncoder) -> dict[str, LatentTerms]:
    queries = collection.queries
    terms = _tracked(encoder.encode_queries(queries.values()), "queries", len(queries))
    return dict(zip(queries, terms, strict=True))


def _documents(
    collection: Collection, encode: Callable[[Iterable[str]], Iterator[_Encoded]], seen: _Seen
) -> Iterator[Document]:
    kept, read = tee(collection.documents())
    encoded = encode(document.text for document in read)
    tracked = _tracked(encoded, "documents", collection.count_documents())
    for document, (terms, vector) in zip(kept, tracked, strict=True):
        seen.note(document, terms or (), vector, collection.queries.get(document.id))
        yield Document(id=document.id, source={"text": document.text}, terms=terms)


def _encode(
    encoder: TermEncoder, texts: Iterable[str], *, terms: bool, vectors: bool
) -> Iterator[_Encoded]:
    if terms and vectors:
        yield from encoder.read_documents(texts)
    elif vectors:
        yield from ((None, vector) for vector in encoder.embed_documents(texts))
    elif terms:
        yield from ((found, None) for found in encoder.encode_documents(texts))
    else:
        yield from ((None, None) for _ in texts)


def _ask(
    engine: Engine,
    run: str,
    base: SearchRequest,
    queries: Mapping[str, str],
    asked: Mapping[str, LatentTerms],
) -> Run:
    found: Run = {}
    for query, text in _tracked(queries.items(), run, len(queries)):
        if run == "lexical":
            request = replace(base, text=text)
        elif run == "latent":
            request = replace(base, terms=asked[query])
        else:
            request = replace(base, text=text, terms=asked[query])
        found[query] = [hit.id for hit in engine.search(request).hits]
    return found


def _dense(collection: Collection, encoder: TermEncoder, seen: _Seen) -> Run:
    queries = np.stack(list(encoder.embed_queries(collection.queries.values())))
    found = nearest(queries, seen.ids, seen.vectors, depth=DEPTH + 1)
    return dict(zip(collection.queries, found, strict=True))


def _measured(
    collection: Collection,
    answers: Mapping[str, Run],
    asked: Mapping[str, LatentTerms],
    seen: _Seen,
) -> Evaluation:
    values = {
        run: measure(_without_copies(answers[run], seen.copies), collection.qrels)
        for run in RUNS
        if run in answers
    }
    if not asked:
        return Evaluation(len(seen.ids), values)
    return Evaluation(
        len(seen.ids),
        values,
        terms_per_document=seen.frequencies.total() / len(seen.ids),
        terms_per_query=fmean(len(terms) for terms in asked.values()),
        postings_per_query=fmean(
            sum(seen.frequencies[term] for term in terms) for terms in asked.values()
        ),
    )


def _without_copies(run: Run, copies: Container[str]) -> Run:
    return {
        query: [hit for hit in hits if hit != query or query not in copies][:DEPTH]
        for query, hits in run.items()
    }


def _words(text: str) -> str:
    return " ".join(text.split())


def _tracked(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    with progress(label, total=total) as update:
        for number, item in enumerate(items, start=1):
            yield item
            update(number, f"{number:,} of {total:,}")
