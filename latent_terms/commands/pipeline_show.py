"""`latent-terms pipeline show`: what is installed for an index, and how to search by it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.models import NAMES, read_manifest
from latent_terms.commands.output import json_option, print_json, print_table, say

if TYPE_CHECKING:
    from adapters.dialect.meta import IndexMeta
    from adapters.pipelines.pipelines import Names
    from adapters.pipelines.setup import Setup
    from adapters.server.cluster import Cluster

installed_model_option = click.option(
    "--model", metavar="MODEL", help=f"{NAMES}.  [default: the one that searches use]"
)


@click.command(short_help="Show what is there, and a search by it.")
@click.argument("address", metavar="URL")
@installed_model_option
@cluster_options
@json_option
def show(*, address: str, model: str | None, cluster: ClusterOptions, as_json: bool) -> None:
    """Show the pipelines or endpoints of the index at URL, and a search that uses them.

    \b
    Examples:
      latent-terms pipeline show opensearch://localhost:9200/books
      latent-terms pipeline show elasticsearch://localhost:9201/books --model minilm-en --json
    """
    with cluster.connect(address) as connected:
        setup = setup_of(connected, names_of(connected, model))
        report(connected, setup, as_json=as_json)


def index_of(cluster: Cluster) -> str:
    """Raises click.UsageError where the address names none."""
    index = cluster.address.index
    if index is None:
        raise click.UsageError(f"{cluster.address} names no index: write {cluster.address}/INDEX")
    return index


def names_of(cluster: Cluster, model: str | None) -> Names:
    """Of what is installed; the index may be gone where the model is named."""
    from adapters.pipelines.pipelines import Names

    name, meta = _meta(cluster)
    if model is not None:
        return Names(name, read_manifest(model).fingerprint)
    if meta is None or meta.active_field is None:
        raise click.UsageError(f"{cluster.address} has no latent terms: give --model.")
    return Names(name, meta.active_field.fingerprint)


def setup_of(cluster: Cluster, names: Names) -> Setup:
    from adapters.pipelines.setup_elasticsearch import ElasticsearchSetup
    from adapters.pipelines.setup_opensearch import OpenSearchSetup

    if cluster.server.distribution == "opensearch":
        return OpenSearchSetup(cluster, names)
    return ElasticsearchSetup(cluster, names)


def report(cluster: Cluster, setup: Setup, *, as_json: bool) -> None:
    """What is there, and, where that is all, a search by it."""
    here = setup.installed()
    names = here.names
    example = setup.example(_text_fields(cluster, names)) if here.is_complete else []
    if as_json:
        parts = [asdict(part) for part in here.parts]
        facts: dict[str, Any] = {
            "index": names.index,
            "fingerprint": names.fingerprint,
            "field": names.field,
            "complete": here.is_complete,
            "attached": here.attached,
            "parts": parts,
            "search": [request.to_json() for request in example],
        }
        print_json(facts)
        return
    rows = [(part.kind, part.state, part.name) for part in here.parts]
    print_table(("part", "state", "name"), rows, title=f"{names.index}, {names.field}")
    if here.attached:
        click.echo(f"Writes to {names.index} go through the ingest pipeline {names.base}.")
    if example:
        click.echo("\n" + "\n\n".join(map(str, example)))
    else:
        say(f"Something is missing: latent-terms pipeline install {cluster.address} --sidecar URL")


def _meta(cluster: Cluster) -> tuple[str, IndexMeta | None]:
    """The index's own name, and what it says of its latent fields; None: there is no index."""
    from adapters.backfill.target import read_index
    from adapters.errors import IndexMissing

    index = index_of(cluster)
    try:
        found = read_index(cluster, index)
    except IndexMissing:
        return index, None
    return found.name, found.meta


def _text_fields(cluster: Cluster, names: Names) -> tuple[str, ...]:
    _, meta = _meta(cluster)
    field = meta.field_of(names.fingerprint) if meta else None
    return field.text_fields if field else ("TEXT_FIELD",)
