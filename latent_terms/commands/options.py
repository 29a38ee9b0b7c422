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


def _weights(ctx: click.Context, option: click.Parameter, value: str | None) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in (value or "").split(","):
        name, caret, weight = part.strip().partition("^")
        try:
            weights |= {name: float(weight) if caret else 1.0} if name else {}
        except ValueError as exc:
            raise click.BadParameter(f"{part!r}: write FIELD^WEIGHT, such as title^2") from exc
    return weights


weighted_fields_option = click.option(
    "--fields",
    callback=_weights,
    metavar="A,B^2",
    help="Fields whose words are matched, each with a weight.  [default: the index's text fields]",
)


def _names(ctx: click.Context, option: click.Parameter, value: str | None) -> Names | None:
    if value is None:
        return None
    return tuple(name.strip() for name in value.split(",") if name.strip())
