"""`latent-terms migrate`: an index from one model's latent terms to another's, step by step."""

from __future__ import annotations

import click

from latent_terms.commands.migrate_compare import compare
from latent_terms.commands.migrate_drop import drop
from latent_terms.commands.migrate_start import start
from latent_terms.commands.migrate_status import status
from latent_terms.commands.migrate_switch import rollback, switch


@click.group("migrate", short_help="Move an index to another model.")
def command() -> None:
    """Move an index of OpenSearch or Elasticsearch to another model while it is in use.

    The terms of the new model get a field of their own beside the old one; searches use the old
    one until you switch. Documents are searched and written all the time. Every step can be
    interrupted and run again.

    \b
    Examples:
      latent-terms migrate start URL --model new-model
      latent-terms migrate compare URL queries.txt
      latent-terms migrate switch URL
      latent-terms migrate rollback URL     if it was not for the better
      latent-terms migrate drop URL         when you are sure
    """


for verb in (start, status, compare, switch, rollback, drop):
    command.add_command(verb)
