"""Reading the values of a source: each function raises ValueError with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SHOWN_CHARACTERS = 60


class Instants(NamedTuple):
    """First and last microsecond since 1970 (UTC) that a date or datetime covers."""

    first: int
    last: int


def at(source: Mapping[str, object], name: str) -> object:
    """The value of a field; a name with dots leads into objects, and lists of them, as servers
    read it: `a.b` is 1 in {"a": {"b": 1}} and in {"a.b": 1}, and [1, 2] in {"a": [{"b": 1},
    {"b": 2}]}. None where there is nothing."""
    if "." not in name:
        return source.get(name)
    found = list(_below(source, name.split(".")))
    return found[0] if len(found) == 1 else found or None


def _below(value: object, path: list[str]) -> Iterator[object]:
    if isinstance(value, list):
        for item in value:
            yield from _below(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping):
        for end in range(1, len(path) + 1):
            key = ".".join(path[:end])
            if key in value:
                yield from _below(value[key], path[end:])


def strings(value: object) -> list[str]:
    return [string(item) for item in _listed(value)]


def numbers(value: object) -> list[float]:
    return [number(item) for item in _listed(value)]


def instants(value: object) -> list[Instants]:
    return [instant(item) for item in _listed(value)]


def string(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a string: convert it before adding")
    return value


def number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        result = float(value)
    except OverflowError as exc:
        raise ValueError(f"{shown(value)} does not fit a 64-bit float") from exc
    if not math.isfinite(result):
        raise ValueError(f"{shown(value)} is not a finite number")
    return result


def instant(value: object) -> Instants:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not an ISO 8601 string such as '2024-05-31'")
    try:
        return _whole_day(date.fromisoformat(value))
    except ValueError:
        pass  # not a date alone
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as exc:
        raise ValueError(
            f"{shown(value)} is not an ISO 8601 date or datetime such as '2024-05-31T12:00:00Z'"
        ) from exc
    at = _microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return Instants(at, at)


def _whole_day(day: date) -> Instants:
    first = _microseconds(datetime.combine(day, time(), tzinfo=UTC))
    return Instants(first, first + timedelta(days=1) // _MICROSECOND - 1)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _listed(value: object) -> list[object]:
    """A value as the list of what it holds: nothing for null, its items for a list."""
    if value is None:
        return []
    return [item for item in value if item is not None] if isinstance(value, list) else [value]


def shown(value: object) -> str:
    """The value in an error message, cut short."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def without_surrogates(text: str) -> str:
    """Engines take UTF-8, which has no lone surrogates: each becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def is_utf8(text: str) -> bool:
    """Whether it can be an id: lone surrogates cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
