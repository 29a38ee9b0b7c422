"""`latent-terms migrate start`: the field of a new model, added and filled."""

from __future__ import annotations

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.migrate_fill import encoder_of, fill
from latent_terms.commands.migrate_status import (
    address_of,
    dry_run_option,
    report,
    send,
    show_requests,
    state_of,
)
from latent_terms.commands.models import NAMES, read_manifest
from latent_terms.commands.models import address_of as address_of_model
from latent_terms.commands.output import json_option, say


@click.command(short_help="Add a field for another model, and fill it.")
@click.argument("address", metavar="URL")
@click.option("--model", required=True, metavar="MODEL", help=f"{NAMES}: the one to move to.")
@dry_run_option
@cluster_options
@json_option
def start(
    *, address: str, model: str, dry_run: bool, cluster: ClusterOptions, as_json: bool
) -> None:
    """Add a field for the latent terms of MODEL to the index at URL, and fill it.

    Searches do not use it yet. Run the same command again to go on after an interruption, and to
    fill documents that were written meanwhile.

    \b
    Examples:
      latent-terms migrate start opensearch://localhost:9200/books --model new-model
      latent-terms migrate start https://search.example.org/books --model new-model --dry-run
    """
    from adapters.migration import steps

    fingerprint = read_manifest(model).fingerprint
    with cluster.connect(address) as connected:
        state = state_of(connected)
        request = steps.start(state, fingerprint=fingerprint, model=address_of_model(model))
        if dry_run:
            show_requests([request] if request else [], as_json=as_json)
            say(f"Then up to {state.documents:,} documents are updated by POST /_bulk.")
            return
        if request is not None:
            send(connected, request)
            state = state_of(connected)
        field = steps.target(state, fingerprint)
        left = fill(connected, state.index, field, encoder_of(field, model))
        report(state_of(connected), where=address_of(connected), as_json=as_json)
    if left:
        raise click.ClickException(left)
