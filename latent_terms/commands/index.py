"""`latent-terms index`: documents in files become an index in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.files import total_size
from latent_terms.commands.models import model_of_index_option
from latent_terms.commands.options import Names, fields_option
from latent_terms.commands.output import json_option, print_facts, print_json, progress, say
from latent_terms.commands.readers import Reader


@click.command()
@click.argument(
    "sources",
    metavar="SOURCE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, allow_dash=True),
)
@click.option(
    "--into",
    required=True,
    metavar="WHERE",
    help="Folder of the index, or opensearch://HOST:9200/INDEX, or elasticsearch://…; "
    "made if it is not there.",
)
@fields_option("--text-fields", "Fields to search, encoded in this order.  [default: title,text]")
@fields_option("--keyword-fields", "Fields to filter by value.")
@fields_option("--number-fields", "Fields to filter by number.")
@fields_option("--date-fields", "Fields to filter by date (ISO 8601).")
@fields_option("--fields", "Fields to keep of each document.  [default: all]")
@click.option("--id-field", metavar="A", help="Field that holds the id.  [default: _id, else id]")
@click.option(
    "--analyzer",
    type=click.Choice(["standard", "english"]),
    help="How text is cut into words; english stems and drops stop words.  [default: standard]",
)
@click.option("--no-latent", is_flag=True, help="Index words only, without latent terms.")
@click.option(
    "--rejected",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where documents go that cannot be indexed.  [default: INDEX.rejected.jsonl]",
)
@cluster_options
@model_of_index_option
@json_option
def command(
    *,
    sources: tuple[Path, ...],
    into: str,
    text_fields: Names | None,
    keyword_fields: Names | None,
    number_fields: Names | None,
    date_fields: Names | None,
    fields: Names | None,
    id_field: str | None,
    analyzer: str | None,
    no_latent: bool,
    rejected: Path | None,
    cluster: ClusterOptions,
    model: str | None,
    as_json: bool,
) -> None:
    """Index documents for search by words and by latent terms.

    SOURCE is a file of JSON lines (.jsonl), a CSV file with a header (.csv, .tsv), either also as
    .gz; a text or markdown file, a folder of those; or - for JSON lines from standard input.

    Run the same command again to go on after an interruption or to bring the index up to date:
    documents that are there, unchanged, are skipped. A document that cannot be indexed is written
    to a file with the reason; the others are indexed, and the exit code is 1. That file is a SOURCE
    like any other: correct the documents in it, and give it instead.

    \b
    Examples:
      latent-terms index corpus.jsonl.gz --into my-index
      latent-terms index notes/ --into notes-index --analyzer english
      latent-terms index books.csv --into books --id-field isbn \\
        --text-fields title,blurb --keyword-fields language --number-fields year
      latent-terms index corpus.jsonl --into opensearch+https://search:9200/books --user me:secret
      latent-terms index my-index.rejected.jsonl --into my-index
    """
    from adapters.dead_letters import DeadLetters
    from latent_terms.commands.indexing import Indexing, plan

    given = {
        "text": text_fields,
        "keyword": keyword_fields,
        "number": number_fields,
        "date": date_fields,
        "analyzer": analyzer,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    engine = cluster.engine(into)
    name, rejected = _named(into, rejected)
    is_read = rejected.resolve() in [source.resolve() for source in sources]
    with engine, DeadLetters(rejected, is_read=is_read) as bad:
        planned = plan(engine, asked, model=model, no_latent=no_latent)
        run = Indexing(engine, planned, bad)
        reader = Reader(id_field, fields or (), planned.schema.number, run.read_so_far)
        try:
            with progress("index", total=total_size(sources)) as update:
                report = run.over(reader.read(sources), update=update)
        except KeyboardInterrupt:
            say("What is indexed stays: run the same command again to go on.")
            raise
    if as_json:
        print_json({"index": name, **report.to_json()})
    else:
        print_facts(
            [
                ("indexed", f"{report.indexed:,}"),
                ("skipped", f"{report.skipped:,}  (unchanged)"),
                ("rejected", f"{report.rejected:,}"),
                ("seconds", f"{report.seconds:.1f}"),
                ("documents/s", f"{report.documents_per_second:,.0f}"),
            ]
        )
    if report.rejected:
        raise click.ClickException(
            f"{report.rejected:,} of the documents could not be indexed. {bad.path} holds them "
            "with the reasons: correct them and index them again."
        )


def _named(into: str, rejected: Path | None) -> tuple[str, Path]:
    """What to call the index, without a password, and the file of what it does not take."""
    from adapters.server.address import is_server, parse_address

    if is_server(into):
        address = parse_address(into)
        return str(address), rejected or Path(f"{address.index}.rejected.jsonl")
    return into, rejected or Path(f"{os.path.abspath(into)}.rejected.jsonl")
