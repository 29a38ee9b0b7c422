"""`latent-terms backfill`: latent terms for the documents of an index that is in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.models import DEFAULT_MODEL, NAMES, address_of, load_model, read_manifest
from latent_terms.commands.options import Names, fields_option
from latent_terms.commands.output import json_option, print_facts, print_json

if TYPE_CHECKING:
    from adapters.backfill.backfill import BackfillProgress
    from adapters.server.cluster import Cluster


@click.command(short_help="Add latent terms to an index that is in use.")
@click.argument("address", metavar="URL")
@click.option("--index", metavar="NAME", help="The index, where it is not in the URL.")
@fields_option(
    "--fields",
    "Fields to encode, in this order; author.bio is a field in an object.  "
    "[default: those of the last back-fill]",
)
@click.option(
    "--model",
    metavar="MODEL",
    help=f"{NAMES}.  [default: the one the index uses; for the first back-fill {DEFAULT_MODEL}]",
)
@click.option(
    "--changed",
    is_flag=True,
    help="Look at every document, and encode again those whose text was changed since.",
)
@click.option(
    "--rejected",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where ids go of documents that cannot be filled.  [default: INDEX.rejected.jsonl]",
)
@cluster_options
@json_option
def command(
    *,
    address: str,
    index: str | None,
    fields: Names | None,
    model: str | None,
    changed: bool,
    rejected: Path | None,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Give the documents of an index their latent terms, while it is searched and written.

    A field is added to the mapping and filled by partial updates; a document that somebody changes
    meanwhile is read again, so no write is lost. Nothing else is changed, and the index is not
    closed. When all is done, searches use the field.

    Run the same command again to go on after an interruption, or to fill what was written since:
    only documents without the field are read. The run slows down when the cluster is busy.

    Documents that cannot be filled are listed in a file with the reasons, and the exit code is 1.

    \b
    Examples:
      latent-terms backfill opensearch://localhost:9200/books --fields title,body
      latent-terms backfill https://search.example.org --index books --api-key "$KEY"
      latent-terms backfill opensearch://localhost:9200/books --changed
    """
    from adapters.backfill.target import check_model, find_target
    from latent_terms.commands.filling import fill

    with cluster.connect(address) as connected:
        name = _index(index, connected.address.index)
        source = model or _model_of(connected, name) or DEFAULT_MODEL
        target = find_target(
            connected,
            name,
            fingerprint=read_manifest(source).fingerprint,
            model=address_of(source),
            text_fields=fields or (),
            changed=changed,
        )
        check_model(target)
        bad = rejected or Path(f"{target.index}.rejected.jsonl")
        done = fill(target, load_model(source), bad, changed=changed)
        target.activate()
    if as_json:
        print_json({"index": target.index, "field": target.field.name, **done.to_json()})
    else:
        print_facts(_facts(done))
    if done.rejected:
        raise click.ClickException(
            f"{done.rejected:,} documents could not be filled. {bad} names them with the reasons."
        )


def _index(named: str | None, in_address: str | None) -> str:
    if named and in_address and named != in_address:
        raise click.UsageError(f"--index says {named}, and the URL {in_address}: give one of them.")
    if name := named or in_address:
        return name
    raise click.UsageError("Which index? Put it at the end of the URL, or give --index.")


def _model_of(cluster: Cluster, name: str) -> str | None:
    from adapters.backfill.target import read_index

    active = read_index(cluster, name).meta.active_field
    return active.model if active else None


def _facts(done: BackfillProgress) -> list[tuple[str, Any]]:
    facts = [
        ("updated", f"{done.updated:,}  ({done.without_text:,} of them without text)"),
        ("unchanged", f"{done.unchanged:,}"),
        ("read again", f"{done.conflicts:,}  (changed meanwhile)"),
        ("deleted", f"{done.gone:,}  (meanwhile)"),
        ("rejected", f"{done.rejected:,}"),
        ("without terms", f"{done.missing:,}"),
    ]
    left_out = [(f"no text in {name}", f"{n:,}") for name, n in done.not_text.items()]
    return facts + left_out
