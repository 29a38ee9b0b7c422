"""nDCG@10, recall@10, recall@100 and MRR@10 per query, computed by ir_measures (extra `eval`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType

from latent_terms.errors import LatentTermsError

MEASURES: Mapping[str, str] = {  # our name -> the name ir_measures parses
    "ndcg@10": "nDCG@10",
    "recall@10": "R@10",
    "recall@100": "R@100",
    "mrr@10": "RR@10",
}


class EvalExtraMissing(LatentTermsError):
    """ir_measures is not installed."""


def require_extra() -> ModuleType:
    """The module ir_measures; call this before hours of work whose result is to be measured.

    Raises:
        EvalExtraMissing: the extra `eval` is not installed.
    """
    try:
        import ir_measures
    except ImportError as exc:
        raise EvalExtraMissing(
            "measuring needs ir_measures; install it with: pip install 'latent-terms[eval]'"
        ) from exc
    return ir_measures


def measure(
    run: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """Measure -> query id -> value, for every query of `qrels`.

    Args:
        run: query id -> document ids, best first. A query that is absent or found nothing counts 0.
        qrels: query id -> document id -> relevance; above 0 is relevant.

    Raises:
        EvalExtraMissing: the extra `eval` is not installed.
    """
    ir_measures = require_extra()
    names = {ir_measures.parse_measure(theirs): ours for ours, theirs in MEASURES.items()}
    # trec_eval sorts by score and breaks ties by document id; scores made of ranks keep our order.
    scored = {query: _descending(documents) for query, documents in run.items()}
    values: dict[str, dict[str, float]] = {ours: {} for ours in MEASURES}
    for metric in ir_measures.iter_calc(list(names), qrels, scored):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def _descending(documents: Sequence[str]) -> dict[str, float]:
    return {document: float(-position) for position, document in enumerate(documents)}
