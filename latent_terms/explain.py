"""Why a document matched a query: the latent terms they share, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from latent_terms.encoder import TermEncoder
from latent_terms.terms import LatentTerms
from latent_terms.vocabulary import Family

_K1 = 1.2


@dataclass(frozen=True, kw_only=True)
class SharedTerm:
    """A latent term of both the query and the document.

    ``share``: its part of the latent score, from 0 to 1; the shares of a match sum to 1.
    """

    term: str
    label: tuple[str, ...]
    family: Family
    query_frequency: int
    document_frequency: int
    share: float


def explain(
    encoder: TermEncoder,
    query: LatentTerms,
    document: LatentTerms,
    *,
    scores: Mapping[str, float] | None = None,
) -> list[SharedTerm]:
    """The shared latent terms, largest share first.

    ``scores``: what the engine gave each term. Without them shares are an estimate: BM25 with
    document frequencies of the training text and without length normalisation.
    """
    shared = [term for term in query if term in document]
    if scores is None:
        scores = {term: _estimate(encoder, query, document, term) for term in shared}
    whole = sum(scores.get(term, 0.0) for term in shared) or 1.0
    matches = []
    for term in sorted(shared, key=lambda t: -scores.get(t, 0.0)):
        latent = encoder.vocabulary[int(term[1:])]
        matches.append(
            SharedTerm(
                term=term,
                label=latent.label,
                family=latent.family,
                query_frequency=query[term],
                document_frequency=document[term],
                share=scores.get(term, 0.0) / whole,
            )
        )
    return matches


def _estimate(encoder: TermEncoder, query: LatentTerms, document: LatentTerms, term: str) -> float:
    frequency = document[term]
    idf = float(encoder.vocabulary.idf[int(term[1:])])
    return query[term] * idf * frequency / (frequency + _K1)
