"""`latent-terms migrate drop`: a latent field given up, its terms taken out of the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.migrate_status import (
    address_of,
    dry_run_option,
    report,
    send,
    show_requests,
    state_of,
)
from latent_terms.commands.output import json_option, progress, say

if TYPE_CHECKING:
    from adapters.migration.steps import MigrationState
    from adapters.server.cluster import Cluster


@click.command(short_help="Give up the old field for good.")
@click.argument("address", metavar="URL")
@click.option(
    "--field",
    metavar="NAME",
    help="The field to give up.  [default: the one from before the last switch]",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run_option
@cluster_options
@json_option
def drop(
    *,
    address: str,
    field: str | None,
    yes: bool,
    dry_run: bool,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Give up a latent field of the index at URL that searches do not use.

    The field is no longer described, so nothing writes or searches it, and its terms are taken out
    of every document; there is no way back but another migration. A mapping never loses a field:
    its empty entry goes with the next reindex.

    \b
    Examples:
      latent-terms migrate drop opensearch://localhost:9200/books
      latent-terms migrate drop https://search.example.org/books --field latent_terms_3f9a1c --yes
    """
    from adapters.migration import steps
    from adapters.migration.field_removal import removal

    with cluster.connect(address) as connected:
        state = state_of(connected)
        name = steps.to_drop(state, field)
        forget = steps.forget(state, name)
        if dry_run:
            requests = [forget] if forget else []
            show_requests([*requests, removal(state.index, name)], as_json=as_json)
            return
        if not yes:
            click.confirm(
                f"Take {name} out of the documents of {state.index}?", abort=True, err=True
            )
        if forget is not None:
            send(connected, forget)
        _remove(connected, state, name)
        report(state_of(connected), where=address_of(connected), as_json=as_json)


def _remove(cluster: Cluster, state: MigrationState, field: str) -> None:
    from adapters.migration.field_removal import remove

    with progress(f"drop {field}", total=1.0) as update:
        try:
            remove(
                cluster,
                state.index,
                field,
                lambda done, total: update(done / max(total, 1), f"{done:,} of {total:,}"),
            )
        except KeyboardInterrupt:
            say("What is taken out is gone: run the same command again to go on.")
            raise
