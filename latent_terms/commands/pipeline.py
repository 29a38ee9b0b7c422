"""`latent-terms pipeline`: the cluster calls the sidecar itself."""

from __future__ import annotations

import click

from latent_terms.commands.pipeline_install import install
from latent_terms.commands.pipeline_remove import remove
from latent_terms.commands.pipeline_show import show


@click.group("pipeline", short_help="Have a cluster call the sidecar itself.")
def command() -> None:
    """Have OpenSearch or Elasticsearch call the sidecar, for clients that cannot encode.

    In OpenSearch an ingest pipeline gives documents their latent terms, and search pipelines encode
    queries and rerank. Elasticsearch gets inference endpoints that encode queries and rerank; they
    need a licence that includes its inference API.

    \b
    Examples:
      latent-terms serve --host 0.0.0.0
      latent-terms pipeline install URL --sidecar http://sidecar:8080 --fields title,body
      latent-terms pipeline show URL
      latent-terms pipeline remove URL
    """


for verb in (install, show, remove):
    command.add_command(verb)
