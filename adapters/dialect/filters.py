"""Filters as clauses of a query. No I/O."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..filters import ID_FIELD, AnyOf, DateBounds, Filter, NumberBounds, resolve
from ..types import Schema
from ..values import is_utf8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def filter_clause(schema: Schema, condition: Filter) -> dict[str, Any]:
    """Raises QueryRejected where the condition does not fit the schema."""
    resolved = resolve(schema, condition)
    if isinstance(resolved, NumberBounds):
        return _range(resolved, resolved.lower, resolved.upper)
    if isinstance(resolved, DateBounds):
        bounds = (_milliseconds(resolved.lower), _milliseconds(resolved.upper))
        return _range(resolved, *bounds, format="strict_date_optional_time")
    return _any_of(resolved)


def _any_of(condition: AnyOf) -> dict[str, Any]:
    if condition.field == ID_FIELD:
        return {"ids": {"values": [id for id in condition.values if is_utf8(id)]}}
    return {"terms": {condition.field: list(condition.values)}}


def _range(
    bounds: NumberBounds | DateBounds,
    lower: float | str | None,
    upper: float | str | None,
    **format: str,
) -> dict[str, Any]:
    ends: dict[str, Any] = {}
    if lower is not None:
        ends["gte" if bounds.include_lower else "gt"] = lower
    if upper is not None:
        ends["lte" if bounds.include_upper else "lt"] = upper
    return {"range": {bounds.field: ends | format}}


def _milliseconds(microseconds: int | None) -> str | None:
    """A server's dates are cut to milliseconds, and so are the bounds."""
    if microseconds is None:
        return None
    moment = _EPOCH + timedelta(milliseconds=microseconds // 1000)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
