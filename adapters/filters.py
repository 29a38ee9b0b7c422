"""Conditions that narrow a search without touching its scores."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import QueryRejected
from .types import Schema
from .values import instant, number

ID_FIELD = "_id"
"""Stands for the document's id in an `AnyOf`."""


@dataclass(frozen=True)
class AnyOf:
    """The keyword field, or `_id`, has one of these values; no values: nothing matches."""

    field: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, tuple) or any(not isinstance(v, str) for v in self.values):
            raise QueryRejected(
                f"filter on {self.field!r}: values are a tuple of strings, not {self.values!r}"
            )


@dataclass(frozen=True)
class Range:
    """The number or date field has a value between the bounds that are given.

    Bounds of a date field are ISO 8601 strings. A date without a time is the whole day (UTC):
    `gte` starts with it, `lte` ends with it, `gt` starts after it, `lt` ends before it.
    """

    field: str
    gte: float | str | None = None
    gt: float | str | None = None
    lte: float | str | None = None
    lt: float | str | None = None

    def __post_init__(self) -> None:
        if self.gte is not None and self.gt is not None:
            raise QueryRejected(f"range on {self.field!r}: give gte or gt, not both")
        if self.lte is not None and self.lt is not None:
            raise QueryRejected(f"range on {self.field!r}: give lte or lt, not both")
        if all(bound is None for bound in (self.gte, self.gt, self.lte, self.lt)):
            raise QueryRejected(f"range on {self.field!r} has no bound: give gte, gt, lte or lt")


Filter = AnyOf | Range


@dataclass(frozen=True)
class NumberBounds:
    field: str
    lower: float | None
    upper: float | None
    include_lower: bool
    include_upper: bool


@dataclass(frozen=True)
class DateBounds:
    """Microseconds since 1970 (UTC)."""

    field: str
    lower: int | None
    upper: int | None
    include_lower: bool
    include_upper: bool


def resolve(schema: Schema, condition: Filter) -> AnyOf | NumberBounds | DateBounds:
    """The condition with its bounds read; raises QueryRejected where the schema has no such
    field, or the bounds are of the wrong type."""
    if isinstance(condition, AnyOf):
        if condition.field != ID_FIELD:
            _check_field(condition.field, (*schema.keyword, ID_FIELD), "keyword")
        return condition
    _check_field(condition.field, (*schema.number, *schema.date), "number or date")
    try:
        return (_number_bounds if condition.field in schema.number else _date_bounds)(condition)
    except ValueError as exc:
        raise QueryRejected(f"range on {condition.field!r}: {exc}") from exc


def _check_field(field: str, fields: tuple[str, ...], kind: str) -> None:
    if field not in fields:
        raise QueryRejected(
            f"cannot filter on {field!r}: the {kind} fields of this index are "
            f"{', '.join(fields) or 'none'}"
        )


def _number_bounds(condition: Range) -> NumberBounds:
    lower = condition.gte if condition.gte is not None else condition.gt
    upper = condition.lte if condition.lte is not None else condition.lt
    return NumberBounds(
        condition.field,
        lower=None if lower is None else number(lower),
        upper=None if upper is None else number(upper),
        include_lower=condition.gt is None,
        include_upper=condition.lt is None,
    )


def _date_bounds(condition: Range) -> DateBounds:
    lower = upper = None
    if condition.gte is not None:
        lower = instant(condition.gte).first
    elif condition.gt is not None:
        lower = instant(condition.gt).last
    if condition.lte is not None:
        upper = instant(condition.lte).last
    elif condition.lt is not None:
        upper = instant(condition.lt).first
    return DateBounds(
        condition.field,
        lower,
        upper,
        include_lower=condition.gt is None,
        include_upper=condition.lt is None,
    )
