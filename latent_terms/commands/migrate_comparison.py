"""What a comparison of two models found: means over the queries, and the queries that changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from latent_terms.commands.migrate_status import short
from latent_terms.commands.output import Column, print_facts, print_table

if TYPE_CHECKING:
    from adapters.migration.comparison import Compared
    from latent_terms.evaluation import Comparison

SHOWN = 5
_POINTS = {"p50": 0.5, "p95": 0.95}
TESTED = "ndcg@10"  # the measure that models are compared by

Values = Mapping[str, Mapping[str, float]]  # measure -> query id -> value


@dataclass(frozen=True)
class Measured:
    """Against judgements, by measure."""

    active: Mapping[str, float]
    other: Mapping[str, float]
    test: Comparison
    """Of the other model with the active one, in TESTED."""

    @classmethod
    def of(cls, compared: Mapping[str, Compared], judgements: Mapping[str, Any]) -> Measured:
        """Raises EvalExtraMissing."""
        from latent_terms.evaluation import compare, measure

        active = _shallow(measure({id: c.old.ids for id, c in compared.items()}, judgements))
        other = _shallow(measure({id: c.new.ids for id, c in compared.items()}, judgements))
        return cls(_means(active), _means(other), compare(other[TESTED], active[TESTED]))


def _shallow(values: Values) -> Values:
    """Without what needs more than the first ten hits."""
    return {name: found for name, found in values.items() if name.endswith("@10")}


def _means(values: Values) -> dict[str, float]:
    return {name: fmean(found.values()) for name, found in values.items()}


def as_json(
    names: Mapping[str, str], compared: Mapping[str, Compared], measured: Measured | None, *, k: int
) -> dict[str, Any]:
    """`names`: the models' by `active` and `other`."""
    every = list(compared.values())
    return {
        "models": dict(names),
        "queries": len(every),
        "k": k,
        "overlap": fmean(each.overlap(k) for each in every),
        "rank_biased_overlap": fmean(each.agreement() for each in every),
        "same_first_hit": fmean(each.overlap(1) for each in every),
        "took_ms": {
            "active": _times([each.old.took for each in every]),
            "other": _times([each.new.took for each in every]),
        },
        "measures": None if measured is None else asdict(measured),
    }


def per_query(id: str, compared: Compared, *, k: int) -> dict[str, Any]:
    return {
        "id": id,
        "query": compared.query,
        "overlap": compared.overlap(k),
        "rank_biased_overlap": compared.agreement(),
        "active": list(compared.old.ids),
        "other": list(compared.new.ids),
        "took_ms": {"active": compared.old.took, "other": compared.new.took},
    }


def show(
    names: Mapping[str, str], compared: Mapping[str, Compared], measured: Measured | None, *, k: int
) -> None:
    found = as_json(names, compared, measured, k=k)
    measures = list(measured.active) if measured else []
    rows = []
    for side, name in names.items():
        values = [f"{getattr(measured, side)[measure]:.4f}" for measure in measures]
        took = [f"{found['took_ms'][side][point]:,}" for point in _POINTS]
        rows.append([side, *values, *took, short(name)])
    numbers = [*measures, *(f"took {point}, ms" for point in _POINTS)]
    columns: list[Column] = ["", *((name, "right") for name in numbers), "model"]
    print_table(columns, rows, title=f"{len(compared):,} queries")
    print_facts(
        [
            (f"overlap@{k}", f"{found['overlap']:.3f}"),
            ("rank-biased overlap", f"{found['rank_biased_overlap']:.3f}"),
            ("same first hit", f"{found['same_first_hit']:.3f}"),
            *([] if measured is None else [_test(measured.test)]),
        ]
    )
    changed = sorted(compared.values(), key=lambda each: each.agreement())[:SHOWN]
    lines = [(f"{c.overlap(k):.2f}", f"{c.agreement():.2f}", c.query) for c in changed]
    columns = [("overlap", "right"), ("rank-biased", "right"), "query"]
    print_table(columns, lines, title="Changed most")


def _test(test: Comparison) -> tuple[str, str]:
    return (
        "other - active",
        f"{test.difference:+.4f} {TESTED}, p = {test.p_value:.4f} "
        f"(better on {test.better:,} queries, worse on {test.worse:,})",
    )


def _times(took: Sequence[int]) -> dict[str, int]:
    ordered = sorted(took)
    last = len(ordered) - 1
    return {name: ordered[math.ceil(share * last)] for name, share in _POINTS.items()}
