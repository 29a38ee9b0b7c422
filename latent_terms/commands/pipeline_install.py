"""`latent-terms pipeline install`: pipelines and endpoints for one index and one model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.migrate_status import dry_run_option, show_requests
from latent_terms.commands.models import NAMES, address_of, read_manifest
from latent_terms.commands.options import Names, fields_option
from latent_terms.commands.output import json_option
from latent_terms.commands.pipeline_show import index_of, report, setup_of

if TYPE_CHECKING:
    from adapters.pipelines.pipelines import Sidecar, Wanted
    from adapters.server.cluster import Cluster


@click.command(short_help="Put them up, or bring them up to date.")
@click.argument("address", metavar="URL")
@click.option(
    "--sidecar",
    "url",
    required=True,
    metavar="URL",
    help="Base URL of the sidecar, as the cluster reaches it.",
)
@click.option(
    "--sidecar-key",
    "key",
    envvar="LATENT_TERMS_SIDECAR_KEY",
    metavar="KEY",
    help="The sidecar's key; better in LATENT_TERMS_SIDECAR_KEY, which nobody sees.",
)
@click.option("--model", metavar="MODEL", help=f"{NAMES}.  [default: what the sidecar says]")
@fields_option(
    "--fields",
    "Fields to encode, in this order; OpenSearch.  [default: those that the index names]",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    help="Documents of a bulk request that one call encodes; OpenSearch.",
)
@click.option(
    "--oversample",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Hits that are reranked for each one that is returned; OpenSearch.",
)
@click.option(
    "--skip-failures",
    is_flag=True,
    help="Store a document without latent terms when it cannot be encoded.  [default: refuse it]",
)
@click.option(
    "--attach", is_flag=True, help="Have the index use the ingest pipeline for every write."
)
@click.option("--renew", is_flag=True, help="Tell the cluster the sidecar's key anew.")
@dry_run_option
@cluster_options
@json_option
def install(
    *,
    address: str,
    url: str,
    key: str | None,
    model: str | None,
    fields: Names | None,
    attach: bool,
    renew: bool,
    dry_run: bool,
    cluster: ClusterOptions,
    as_json: bool,
    batch_size: int,
    oversample: int,
    skip_failures: bool,
) -> None:
    """Put up pipelines for the index at URL by which the cluster calls the sidecar.

    The index gets a latent field, if it lacks one; its documents are not touched: latent-terms
    backfill gives them their terms. The sidecar is tried by way of the cluster. Run the same
    command again after a change of the address or an option; after a change of the key, with
    --renew.

    \b
    Examples:
      latent-terms pipeline install opensearch://localhost:9200/books \\
        --sidecar http://sidecar:8080 --fields title,body --attach
      latent-terms pipeline install elasticsearch://localhost:9201/books \\
        --sidecar http://sidecar:8080 --dry-run
    """
    from adapters.pipelines.pipelines import Sidecar

    sidecar = Sidecar(url, key)
    with cluster.connect(address) as connected:
        wanted = replace(
            _wanted(connected, sidecar, model, fields or ()),
            batch_size=batch_size,
            oversample=oversample,
            skip_failures=skip_failures,
        )
        setup = setup_of(connected, wanted.names)
        if dry_run:
            show_requests(setup.requests(wanted, attach=attach), as_json=as_json)
            return
        setup.install(wanted, attach=attach, renew=renew)
        report(connected, setup, as_json=as_json)


def _wanted(cluster: Cluster, sidecar: Sidecar, model: str | None, fields: Names) -> Wanted:
    from adapters.backfill.target import find_target
    from adapters.dialect.meta import LatentField
    from adapters.pipelines.pipelines import Wanted

    index = index_of(cluster)
    fingerprint, name = _model(sidecar, model)
    latent = LatentField(fingerprint, name, "repeat", fields)
    if cluster.server.distribution == "opensearch":
        target = find_target(
            cluster, index, fingerprint=fingerprint, model=name, text_fields=fields
        )
        index, latent = target.index, target.field
    return Wanted(index=index, latent=latent, sidecar=sidecar)


def _model(sidecar: Sidecar, model: str | None) -> tuple[str, str]:
    """Fingerprint and name."""
    from adapters import EngineError
    from adapters.doctor.sidecar import model_of

    if model is not None:
        return read_manifest(model).fingerprint, address_of(model)
    try:
        return model_of(sidecar.url, key=sidecar.key)
    except EngineError as exc:
        raise click.ClickException(
            f"{exc} Where only the cluster reaches the sidecar, name its model with --model."
        ) from exc
