"""What an evaluation found out, whoever ran it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

RUNS = ("lexical", "dense", "latent", "combined")


@dataclass(frozen=True)
class Evaluation:
    """What was measured. `values` is run -> measure -> query id -> value.

    The three figures about latent terms are None where no run used them.
    """

    documents: int
    values: Mapping[str, Mapping[str, Mapping[str, float]]]
    terms_per_document: float | None = None  # different terms, mean
    terms_per_query: float | None = None
    postings_per_query: float | None = None  # document frequencies of a query's terms: sum, mean

    def means(self) -> dict[str, dict[str, float]]:
        """Run -> measure -> mean over the queries."""
        return {
            run: {name: fmean(by_query.values()) for name, by_query in measured.items()}
            for run, measured in self.values.items()
        }
