"""`latent-terms migrate status`: where a migration stands; what every step prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.output import Column, json_option, print_json, print_table, say

if TYPE_CHECKING:
    from adapters.migration.steps import MigrationState
    from adapters.server.cluster import Cluster
    from adapters.server.request import ServerRequest

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Show the requests that would be sent, and change nothing."
)


@click.command(short_help="Show fields, models, and documents to fill.")
@click.argument("address", metavar="URL")
@cluster_options
@json_option
def status(*, address: str, cluster: ClusterOptions, as_json: bool) -> None:
    """Show the latent fields of the index at URL, and how many documents lack each.

    \b
    Examples:
      latent-terms migrate status opensearch://localhost:9200/books
      latent-terms migrate status https://search.example.org/books --json
    """
    with cluster.connect(address) as connected:
        report(state_of(connected), where=address_of(connected), as_json=as_json)


def state_of(cluster: Cluster) -> MigrationState:
    """Raises click.UsageError where the address names no index."""
    from adapters.migration.steps import read_state

    index = cluster.address.index
    if index is None:
        raise click.UsageError(f"{cluster.address} names no index: write {cluster.address}/INDEX")
    return read_state(cluster, index)


def address_of(cluster: Cluster) -> str:
    """Without password, to be shown."""
    return str(cluster.address)


def send(cluster: Cluster, request: ServerRequest) -> None:
    cluster.request(request.method, request.path, body=request.body)


def show_requests(requests: Sequence[ServerRequest], *, as_json: bool) -> None:
    if as_json:
        print_json({"requests": [request.to_json() for request in requests]})
    else:
        click.echo("\n\n".join(map(str, requests)) or "# nothing to send")


def report(state: MigrationState, *, where: str, as_json: bool) -> None:
    """`where`: the address, for the commands that may come next."""
    if as_json:
        print_json(as_facts(state))
        return
    rows = [
        (row["name"], row["role"], row["fingerprint"], f"{row['lacking']:,}", short(row["model"]))
        for row in as_facts(state)["fields"]
    ]
    columns: Sequence[Column] = ("field", "role", "fingerprint", ("without it", "right"), "model")
    print_table(columns, rows, title=f"{state.index}, {state.documents:,} documents")
    say(_next(state, where))


def as_facts(state: MigrationState) -> dict[str, Any]:
    fields: list[dict[str, Any]] = [
        {
            "name": field.name,
            "role": role_of(state, field.name),
            "model": field.model,
            "fingerprint": field.fingerprint,
            "lacking": state.lacking[field.name],
        }
        for field in state.meta.fields
    ]
    fields.sort(key=lambda field: field["role"])  # the active one first
    return {
        "index": state.index,
        "documents": state.documents,
        "fields": fields,
        "dropped": dict(state.dropped),
    }


def short(model: str | None) -> str:
    """The name of a model, of its folder where it is one."""
    return PurePath(model).name if model else "-"


def role_of(state: MigrationState, field: str) -> str:
    if field == state.meta.active:
        return "active"
    return "previous" if field == state.meta.previous else "new"


def _next(state: MigrationState, where: str) -> str:
    if state.dropped:
        name, documents = next(iter(state.dropped.items()))
        return (
            f"{documents:,} documents still hold {name}, which was dropped. "
            f"Go on: latent-terms migrate drop {where} --field {name}"
        )
    if field := state.waiting:
        if state.lacking[field.name]:
            return f"Fill {field.name}: latent-terms migrate start {where} --model {field.model}"
        return f"Ready: latent-terms migrate compare {where} QUERIES, then switch."
    if state.meta.active is not None and state.lacking[state.meta.active]:
        return f"Fill {state.meta.active}: latent-terms backfill {where}"
    if state.meta.previous is not None:
        return (
            f"latent-terms migrate rollback {where} goes back to {state.meta.previous}, "
            "drop gives it up."
        )
    return "No migration is under way."
