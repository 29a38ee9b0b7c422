"""Options that name fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Names = tuple[str, ...]
Decorated = TypeVar("Decorated", bound=Callable[..., Any] | click.Command)


def fields_option(
    name: str, text: str, *, default: str | None = None
) -> Callable[[Decorated], Decorated]:
    """An option such as `title,body`; the command gets a tuple, None where nothing was given."""
    return click.option(
        name,
        callback=_names,
        default=default,
        show_default=default is not None,
        metavar="A,B",
        help=text,
    )


def _names(ctx: click.Context, option: click.Parameter, value: str | None) -> Names | None:
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())
