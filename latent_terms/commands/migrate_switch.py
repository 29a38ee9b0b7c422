"""`latent-terms migrate switch` and `rollback`: which model's terms searches use."""

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
from latent_terms.commands.output import json_option, say


@click.command(short_help="Have searches use the new field.")
@click.argument("address", metavar="URL")
@click.option("--model", metavar="MODEL", help=f"{NAMES}.  [default: the one that was started]")
@click.option(
    "--allow-missing",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Switch although so many documents lack the field; only their words find them.",
)
@dry_run_option
@cluster_options
@json_option
def switch(
    *,
    address: str,
    model: str | None,
    allow_missing: int,
    dry_run: bool,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Have searches of the index at URL use the field of the new model, all at once.

    Documents that were written since the field was filled are filled first; when more than N still
    lack it, nothing is switched. The old field stays, and with it the way back.

    \b
    Examples:
      latent-terms migrate switch opensearch://localhost:9200/books
      latent-terms migrate switch https://search.example.org/books --allow-missing 100
    """
    from adapters.migration import steps

    fingerprint = read_manifest(model).fingerprint if model is not None else None
    with cluster.connect(address) as connected:
        state = state_of(connected)
        field = steps.target(state, fingerprint)
        lacking = state.lacking[field.name]
        if dry_run:
            request = steps.switch(state, field, allow_missing=state.documents)
            show_requests([request], as_json=as_json)
            say(f"Before that, {lacking:,} documents are filled by POST /_bulk.")
            return
        if lacking > allow_missing:
            if left := fill(connected, state.index, field, encoder_of(field, model)):
                say(left)
            state = state_of(connected)
        send(connected, steps.switch(state, field, allow_missing=allow_missing))
        report(state_of(connected), where=address_of(connected), as_json=as_json)


@click.command(short_help="Have searches use the old field again.")
@click.argument("address", metavar="URL")
@dry_run_option
@cluster_options
@json_option
def rollback(*, address: str, dry_run: bool, cluster: ClusterOptions, as_json: bool) -> None:
    """Have searches of the index at URL use the field from before the last switch again.

    At once, and whatever that field lacks: documents that were written since the switch are found
    by their words until `latent-terms backfill` has filled them.

    \b
    Examples:
      latent-terms migrate rollback opensearch://localhost:9200/books
      latent-terms migrate rollback https://search.example.org/books --dry-run
    """
    from adapters.migration import steps

    with cluster.connect(address) as connected:
        request = steps.rollback(state_of(connected))
        if dry_run:
            show_requests([request], as_json=as_json)
            return
        send(connected, request)
        report(state_of(connected), where=address_of(connected), as_json=as_json)
