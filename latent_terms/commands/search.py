"""`latent-terms search`: ranked hits out of an index."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.filters import filter_option, parse_filters
from latent_terms.commands.models import model_of_index_option
from latent_terms.commands.options import weighted_fields_option
from latent_terms.commands.output import Column, json_option, percent, print_json, print_table, say
from latent_terms.commands.query_file import QueryFile, query_file_option
from latent_terms.commands.stages import (
    Stages,
    rerank_option,
    sidecar_key_option,
    sidecar_option,
)

if TYPE_CHECKING:
    from adapters import Hit, Schema, SearchResult

Mode = Literal["combined", "lexical", "latent"]
COUNT = click.IntRange(min=0)
WEIGHT = click.FloatRange(min=0)
COLUMNS: tuple[Column, ...] = (
    ("", "right"),
    ("rerank", "right"),
    ("score", "right"),
    ("words", "right"),
    ("latent", "right"),
    "id",
    "document",
)


@click.command(short_help="Search an index by words and latent terms.")
@click.argument("index", metavar="INDEX")
@click.argument("query")
@click.option(
    "--mode",
    type=click.Choice(["combined", "lexical", "latent"]),
    help="Match words, latent terms, or both.  [default: both, where the index has latent terms]",
)
@weighted_fields_option
@filter_option
@click.option("--size", type=COUNT, help="Hits to show.  [default: 10]")
@click.option("--offset", type=COUNT, help="Hits to pass over.  [default: 0]")
@click.option("--lexical-weight", type=WEIGHT, help="Weight of the words in a combined search.")
@click.option("--latent-weight", type=WEIGHT, help="Weight of the latent terms in it.")
@query_file_option
@click.option(
    "--first-terms",
    type=COUNT,
    metavar="N",
    help="On a server: match only the N most important latent terms, and apply the others to the "
    "best hits. More than the query has: match all.  [default: 24]",
)
@click.option(
    "--rescore-window",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="How many hits those are, in each shard.  [default: 200]",
)
@model_of_index_option
@rerank_option
@sidecar_option
@sidecar_key_option
@cluster_options
@json_option
def command(
    *,
    index: str,
    query: str,
    mode: Mode | None,
    fields: dict[str, float],
    filters: tuple[str, ...],
    size: int | None,
    offset: int | None,
    lexical_weight: float | None,
    latent_weight: float | None,
    query_file: QueryFile,
    first_terms: int | None,
    rescore_window: int | None,
    model: str | None,
    rerank: int | None,
    sidecar: str | None,
    sidecar_key: str | None,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Search the INDEX by words and latent terms in one request.

    INDEX is the folder of an index, or the address of one on a server: opensearch://HOST:9200/NAME,
    elasticsearch://HOST:9200/NAME, with +https for TLS, or https://HOST/NAME.

    The columns words and latent tell how much of a hit's score comes from either. Where hits are
    reranked, they are in the order of the column rerank. A service that is down or late costs the
    latent terms and the reranking, not the hits; a line says so.

    \b
    Examples:
      latent-terms search my-index "why is the sky blue"
      latent-terms search my-index "wing stall" --mode latent --size 3
      latent-terms search books "sea voyages" --filter language=en --filter 'year>=1900'
      latent-terms search my-index "wing stall" --json | jq .hits[0].source
      latent-terms search opensearch://localhost:9200/books "sea voyages" --fields title^2,blurb
      latent-terms search https://search.example.org/books "sea voyages" --query-file shop.json
      latent-terms search my-index "wing stall" --rerank 50
      latent-terms search my-index "wing stall" --sidecar http://localhost:8080
    """
    from adapters import Search, SearchRequest

    asked: dict[str, Any] = {
        "size": query_file.size if size is None else size,
        "offset": query_file.offset if offset is None else offset,
        "lexical_weight": lexical_weight,
        "latent_weight": latent_weight,
        "first_terms": first_terms,
        "rescore_window": rescore_window,
        "rerank": rerank,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    with cluster.engine(index) as engine:
        schema = engine.describe()
        stages = Stages(model, mode == "lexical", sidecar, sidecar_key, rerank)
        with stages.open(schema) as (encoder, reranker):
            started = time.perf_counter()
            result = Search(engine, encoder, reranker).search(
                query,
                mode=mode,
                fields=fields,
                filters=parse_filters(filters, schema),
                body=query_file.body,
                **given,
            )
            milliseconds = 1000 * (time.perf_counter() - started)
    if as_json:
        print_json({"query": query, "ms": milliseconds, **_as_json(result)})
        return
    if result.hits:
        _print(result, schema, given.get("lexical_weight", SearchRequest.lexical_weight))
    if result.reason:
        say(f"Not all that was asked for: {result.reason}.")
    least = "" if result.total_is_exact else "At least "
    say(f"{least}{result.total:,} documents match; {milliseconds:,.0f} ms.")


def _as_json(result: SearchResult) -> dict[str, Any]:
    return {
        "total": result.total,
        "total_is_exact": result.total_is_exact,
        "encoded": result.encoded,
        "reranked": result.reranked,
        **({"reason": result.reason} if result.reason else {}),
        "hits": [_hit_as_json(hit) for hit in result.hits],
        **({"extra": result.extra} if result.extra else {}),
    }


def _hit_as_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "id": hit.id,
        "score": hit.score,
        "lexical": hit.lexical,
        "latent": hit.latent,
        **({} if hit.rerank_score is None else {"rerank_score": hit.rerank_score}),
        "source": hit.source,
        **({"extra": hit.extra} if hit.extra else {}),
    }


def _print(result: SearchResult, schema: Schema, lexical_weight: float) -> None:
    rows = [
        (
            str(hit.rank),
            "" if hit.rerank_score is None else f"{hit.rerank_score:.3f}",
            f"{hit.score:.2f}",
            percent(words := lexical_share(hit, lexical_weight)),
            percent(1 - words if hit.score else 0.0),
            hit.id,
            summary(hit, schema),
        )
        for hit in result.hits
    ]
    if not result.reranked:
        print_table(COLUMNS[:1] + COLUMNS[2:], [row[:1] + row[2:] for row in rows])
        return
    print_table(COLUMNS, rows)


def lexical_share(hit: Hit, weight: float) -> float:
    return min(weight * hit.lexical / hit.score, 1.0) if hit.score else 0.0


def summary(hit: Hit, schema: Schema) -> str:
    """The beginning of the document's text, field by field."""
    values = (hit.source.get(field) for field in schema.text)
    return " — ".join(value for value in values if isinstance(value, str) and value)
