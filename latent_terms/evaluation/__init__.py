"""Measuring retrieval: collections, measures, exact cosine and a paired significance test.

Nothing here knows an engine; `latent_terms.commands.eval_runs` composes one with an encoder.
"""

from latent_terms.evaluation.collection import Collection, CollectionDocument, CollectionError
from latent_terms.evaluation.cosine import nearest
from latent_terms.evaluation.measures import MEASURES, EvalExtraMissing, measure, require_extra
from latent_terms.evaluation.result import RUNS, Evaluation
from latent_terms.evaluation.significance import Comparison, compare

__all__ = [
    "MEASURES",
    "RUNS",
    "Collection",
    "CollectionDocument",
    "CollectionError",
    "Comparison",
    "EvalExtraMissing",
    "Evaluation",
    "compare",
    "measure",
    "nearest",
    "require_extra",
]
