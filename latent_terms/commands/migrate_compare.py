"""`latent-terms migrate compare`: both models side by side on the user's own queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.migrate_fill import encoder_of
from latent_terms.commands.migrate_queries import Queries, read_queries
from latent_terms.commands.migrate_status import state_of
from latent_terms.commands.models import NAMES, read_manifest
from latent_terms.commands.output import json_option, print_json, progress

if TYPE_CHECKING:
    from adapters import SearchRequest
    from adapters.dialect.meta import LatentField
    from adapters.migration.comparison import Compared, Side
    from adapters.migration.steps import MigrationState
    from adapters.server.cluster import Cluster

WEIGHT = click.FloatRange(min=0)


@click.command(short_help="Compare both models on your queries.")
@click.argument("address", metavar="URL")
@click.argument(
    "queries", metavar="QUERIES", type=click.Path(path_type=Path, exists=True, allow_dash=True)
)
@click.option("--model", metavar="MODEL", help=f"{NAMES}.  [default: the one that was started]")
@click.option(
    "--active-model",
    metavar="MODEL",
    help="Where the active model is now, if not where the index says.",
)
@click.option(
    "--split", default="test", show_default=True, help="Which judgements: qrels/SPLIT.tsv."
)
@click.option(
    "--size",
    type=click.IntRange(min=10, max=1000),
    default=10,
    show_default=True,
    help="How many hits of each query to compare.",
)
@click.option("--lexical-weight", type=WEIGHT, help="Weight of the words; 0: latent terms alone.")
@click.option("--latent-weight", type=WEIGHT, help="Weight of the latent terms.")
@click.option(
    "--per-query",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write what both answered to each query to this file, as JSON lines.",
)
@cluster_options
@json_option
def compare(
    *,
    address: str,
    queries: Path,
    model: str | None,
    active_model: str | None,
    split: str,
    size: int,
    lexical_weight: float | None,
    latent_weight: float | None,
    per_query: Path | None,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Ask the index at URL the QUERIES with both models, and show how far the answers agree.

    QUERIES is a text file with a query a line, - for standard input, or a folder in BEIR layout:
    queries.jsonl and qrels/test.tsv, whose document ids are those of the index. With judgements
    both models are measured by them too. Every query is searched by words and latent terms, as a
    search does it; `took` is the server's own time.

    \b
    Examples:
      latent-terms migrate compare opensearch://localhost:9200/books queries.txt
      latent-terms migrate compare https://search.example.org/books judged/ --per-query all.jsonl
    """
    from adapters.migration.comparison import Side
    from latent_terms.commands import migrate_comparison as comparison

    asked = read_queries(queries, split=split)
    if asked.judgements is not None:
        from latent_terms.evaluation import require_extra

        require_extra()
    request = _request(size, lexical_weight, latent_weight)
    with cluster.connect(address) as connected:
        state = state_of(connected)
        if asked.judgements is not None:
            _check_judged(connected, state.index, asked.judgements)
        fields = _fields(state, model)
        sources = {"active": active_model, "other": model}
        sides = {
            role: Side(field.fingerprint, encoder_of(field, sources[role]).encode_query)
            for role, field in fields.items()
        }
        with _written(per_query) as file:
            compared = _ask(connected, state, sides, request, asked, file)
    names = {role: field.model or field.fingerprint for role, field in fields.items()}
    measured = comparison.Measured.of(compared, asked.judgements) if asked.judgements else None
    if as_json:
        print_json(comparison.as_json(names, compared, measured, k=size))
    else:
        comparison.show(names, compared, measured, k=size)


def _request(size: int, lexical: float | None, latent: float | None) -> SearchRequest:
    from adapters import SearchRequest

    return SearchRequest(
        size=size,
        lexical_weight=SearchRequest.lexical_weight if lexical is None else lexical,
        latent_weight=SearchRequest.latent_weight if latent is None else latent,
    )


def _fields(state: MigrationState, model: str | None) -> dict[str, LatentField]:
    from adapters.migration.steps import target

    other = target(state, read_manifest(model).fingerprint if model is not None else None)
    active = state.meta.active_field
    assert active is not None, "target() would have refused"
    return {"active": active, "other": other}


def _ask(
    cluster: Cluster,
    state: MigrationState,
    sides: Mapping[str, Side],
    request: SearchRequest,
    asked: Queries,
    file: IO[str] | None,
) -> dict[str, Compared]:
    from adapters.dialect.schema import describe
    from adapters.migration.comparison import SideBySide
    from latent_terms.commands.migrate_comparison import per_query

    both = SideBySide(
        cluster,
        state.index,
        describe(state.mapping, state.index),
        old=sides["active"],
        new=sides["other"],
        request=request,
    )
    found: dict[str, Compared] = {}
    with progress("compare", total=len(asked.texts)) as update:
        for id, compared in zip(asked.texts, both.over(asked.texts.values()), strict=True):
            found[id] = compared
            update(len(found), compared.query[:40])
            if file is not None:
                file.write(json.dumps(per_query(id, compared, k=request.size)) + "\n")
    return found


def _check_judged(
    cluster: Cluster, index: str, judgements: Mapping[str, Mapping[str, int]]
) -> None:
    """Judgements of another index would measure nothing, without a word."""
    from adapters.server.request import index_path

    some = list({id for judged in judgements.values() for id in judged})[:1000]
    body = {"query": {"ids": {"values": some}}}
    answer = cluster.request("POST", index_path(index, "_count"), body=body)
    if not answer.body["count"]:
        raise click.ClickException(
            f"{index} holds none of the documents that are judged, such as {some[0]!r}: give "
            "judgements whose document ids are those of the index."
        )


def _written(path: Path | None) -> AbstractContextManager[Any]:
    return nullcontext() if path is None else path.open("w", encoding="utf-8")
