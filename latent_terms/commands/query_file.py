"""The --query-file option: a search in the server's own language."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True)
class QueryFile:
    """What the file holds; all None without one."""

    body: dict[str, Any] | None = None
    """But for `size` and `from`."""
    size: int | None = None
    offset: int | None = None


def _read(ctx: click.Context, option: click.Parameter, path: Path | None) -> QueryFile:
    if path is None:
        return QueryFile()
    try:
        body = json.loads(path.read_bytes())
    except ValueError as exc:
        raise click.BadParameter(f"{path} is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise click.BadParameter(f"{path} is no JSON object: write it as sent to _search")
    return QueryFile(size=body.pop("size", None), offset=body.pop("from", None), body=body)


query_file_option = click.option(
    "--query-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_read,
    metavar="FILE",
    help="On a server: a search as JSON, as sent to _search. Its query must match too, and its "
    "aggregations, highlight, _source and so on are answered with --json.",
)
