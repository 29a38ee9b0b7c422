"""`latent-terms pipeline remove`: pipelines and endpoints taken down."""

from __future__ import annotations

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.migrate_status import dry_run_option, show_requests
from latent_terms.commands.output import json_option, print_json, say
from latent_terms.commands.pipeline_show import installed_model_option, names_of, setup_of


@click.command(short_help="Take them down.")
@click.argument("address", metavar="URL")
@installed_model_option
@dry_run_option
@cluster_options
@json_option
def remove(
    *,
    address: str,
    model: str | None,
    dry_run: bool,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Take down what was installed for the index at URL: pipelines, models, endpoints.

    Documents keep their latent terms, and the index its latent field.

    \b
    Examples:
      latent-terms pipeline remove opensearch://localhost:9200/books
      latent-terms pipeline remove opensearch://localhost:9200/books --model old-model --dry-run
    """
    with cluster.connect(address) as connected:
        setup = setup_of(connected, names_of(connected, model))
        removal = setup.removal()
        if dry_run:
            show_requests(removal, as_json=as_json)
            return
        setup.remove()
        if as_json:
            print_json({"requests": [request.to_json() for request in removal]})
        say("It is gone." if removal else "Nothing was there.")
