"""`latent-terms search`: ranked hits out of an index."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from latent_terms.commands.filters import filter_option, parse_filters
from latent_terms.commands.models import load_model_of, model_of_index_option
from latent_terms.commands.output import Column, json_option, percent, print_json, print_table, say

if TYPE_CHECKING:
    from adapters import Hit, Schema, SearchResult

Mode = Literal["combined", "lexical", "latent"]
COUNT = click.IntRange(min=0)
WEIGHT = click.FloatRange(min=0)
COLUMNS: tuple[Column, ...] = (
    ("", "right"),
    ("score", "right"),
    ("words", "right"),
    ("latent", "right"),
    "id",
    "document",
)


@click.command(short_help="Search an index by words and latent terms.")
@click.argument("index", metavar="PATH", type=click.Path(path_type=Path))
@click.argument("query")
@click.option(
    "--mode",
    type=click.Choice(["combined", "lexical", "latent"]),
    help="Match words, latent terms, or both.  [default: both, where the index has latent terms]",
)
@filter_option
@click.option("--size", type=COUNT, default=10, show_default=True, help="Hits to show.")
@click.option("--offset", type=COUNT, default=0, show_default=True, help="Hits to pass over.")
@click.option("--lexical-weight", type=WEIGHT, help="Weight of the words in a combined search.")
@click.option("--latent-weight", type=WEIGHT, help="Weight of the latent terms in it.")
@model_of_index_option
@json_option
def command(
    *,
    index: Path,
    query: str,
    mode: Mode | None,
    filters: tuple[str, ...],
    size: int,
    offset: int,
    lexical_weight: float | None,
    latent_weight: float | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Search the index at PATH by words and latent terms in one request.

    The columns words and latent tell how much of a hit's score comes from either.

    \b
    Examples:
      latent-terms search my-index "why is the sky blue"
      latent-terms search my-index "wing stall" --mode latent --size 3
      latent-terms search books "sea voyages" --filter language=en --filter 'year>=1900'
      latent-terms search my-index "wing stall" --json | jq .hits[0].source
    """
    from adapters import Search, SearchRequest, connect

    if lexical_weight is None:
        lexical_weight = SearchRequest.lexical_weight
    if latent_weight is None:
        latent_weight = SearchRequest.latent_weight
    with connect(index) as engine:
        schema = engine.describe()
        encoder = None if mode == "lexical" else load_model_of(schema, model)
        started = time.perf_counter()
        result = Search(engine, encoder).search(
            query,
            mode=mode,
            filters=parse_filters(filters, schema),
            size=size,
            offset=offset,
            lexical_weight=lexical_weight,
            latent_weight=latent_weight,
        )
        milliseconds = 1000 * (time.perf_counter() - started)
    if as_json:
        hits = [_as_json(hit) for hit in result.hits]
        print_json({"query": query, "total": result.total, "ms": milliseconds, "hits": hits})
        return
    if result.hits:
        _print(result, schema, lexical_weight)
    say(f"{result.total:,} documents match; {milliseconds:,.0f} ms.")


def _as_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "id": hit.id,
        "score": hit.score,
        "lexical": hit.lexical,
        "latent": hit.latent,
        "source": hit.source,
    }


def _print(result: SearchResult, schema: Schema, lexical_weight: float) -> None:
    rows = [
        (
            str(hit.rank),
            f"{hit.score:.2f}",
            percent(words := lexical_share(hit, lexical_weight)),
            percent(1 - words if hit.score else 0.0),
            hit.id,
            summary(hit, schema),
        )
        for hit in result.hits
    ]
    print_table(COLUMNS, rows)


def lexical_share(hit: Hit, weight: float) -> float:
    return min(weight * hit.lexical / hit.score, 1.0) if hit.score else 0.0


def summary(hit: Hit, schema: Schema) -> str:
    """The beginning of the document's text, field by field."""
    values = (hit.source.get(field) for field in schema.text)
    return " — ".join(value for value in values if isinstance(value, str) and value)
