"""Filters as they are typed: lang=en, 'year>=2001', 'published<2020-01-01'."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from latent_terms.commands.readers import number

if TYPE_CHECKING:
    from adapters import Schema
    from adapters.filters import Filter

TYPED = re.compile(r"\s*([^<>=\s]+)\s*(>=|<=|=|<|>)\s*(.+?)\s*", re.DOTALL)
ANY_OF = "="
BOUNDS = {"=": ("gte", "lte"), ">=": ("gte",), ">": ("gt",), "<=": ("lte",), "<": ("lt",)}

filter_option = click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Keep hits with this value. Repeat it for more values of the field (any will do) or for "
    "other fields (all must hold). Number and date fields also take >= > <= <, in quotes for the "
    "shell: 'year>=2001'.",
)


def parse_filters(typed: Sequence[str], schema: Schema) -> tuple[Filter, ...]:
    """Raises click.UsageError for what is not a filter; the engine checks the fields."""
    from adapters import AnyOf

    filters: list[Filter] = []
    values: dict[str, list[str]] = {}
    for text in typed:
        match = TYPED.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--filter {text!r}: write FIELD=VALUE or 'FIELD>=VALUE'")
        field, operator, value = match.groups()
        if operator == ANY_OF and field not in (*schema.number, *schema.date):
            values.setdefault(field, []).append(value)
        else:
            filters.append(_range(field, operator, value, schema))
    return *filters, *(AnyOf(field, tuple(found)) for field, found in values.items())


def _range(field: str, operator: str, value: str, schema: Schema) -> Filter:
    from adapters import Range

    bound: str | float = value
    if field in schema.number:
        try:
            bound = number(value, f"--filter {field}")
        except ValueError as exc:
            raise click.UsageError(f"{exc}.") from exc
    return Range(field, **dict.fromkeys(BOUNDS[operator], bound))
