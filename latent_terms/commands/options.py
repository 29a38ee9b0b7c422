"""Reading the values of options."""

from __future__ import annotations

import click


def field_names(
    ctx: click.Context, option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """`title,body` as a tuple; None where nothing was given. For `callback=`."""
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())
