"""`latent-terms explain`: which latent terms and words made a document match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.models import load_model_of, model_of_index_option
from latent_terms.commands.output import json_option, percent, print_json, print_table, say

if TYPE_CHECKING:
    from adapters import Engine, Hit
    from latent_terms import TermEncoder

SHOWN = 15


@dataclass(frozen=True)
class Match:
    """What is in the query and in the document."""

    term: str
    """A latent term (`t17`), or a word after its field (`title:wing`)."""
    kind: str
    """`word`, or the latent's family."""
    label: tuple[str, ...]
    """Of a latent: its strongest words."""
    score: float
    share: float
    """Part of the document's score, 0 to 1."""


@click.command(short_help="Show why a document matches a query.")
@click.argument("index", metavar="INDEX")
@click.argument("query")
@click.argument("document", metavar="ID")
@click.option(
    "--mode",
    type=click.Choice(["combined", "lexical", "latent"]),
    help="What to match, as in search.",
)
@model_of_index_option
@cluster_options
@json_option
def command(
    *,
    index: str,
    query: str,
    document: str,
    mode: Literal["combined", "lexical", "latent"] | None,
    model: str | None,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Show why the document with this ID matches QUERY in the INDEX: a folder or an address.

    Each row is a latent term or a word that both have, with its share of the score. The label of a
    latent term are the words that set it off most in the text the model was trained on.

    \b
    Examples:
      latent-terms explain my-index "why is the sky blue" doc-17
      latent-terms explain my-index "wing stall" 42 --mode latent --json
      latent-terms explain opensearch://localhost:9200/books "sea voyages" 0141439610
    """
    from adapters import Search

    with cluster.engine(index) as engine:
        encoder = None if mode == "lexical" else load_model_of(engine.describe(), model)
        hit = Search(engine, encoder).explain(query, document, mode=mode)
        if hit is None:
            _check_exists(engine, document)
    score = hit.score if hit else 0.0
    matches = list(_matches(hit, encoder)) if hit else []
    if as_json:
        found = [asdict(match) for match in matches]
        print_json({"query": query, "id": document, "score": score, "matches": found})
    elif matches:
        _print(matches, score)
    else:
        say(f"Document {document!r} has no word and no latent term of the query.")


def _check_exists(engine: Engine, document: str) -> None:
    if not engine.get([document]):
        raise click.ClickException(
            f"There is no document {document!r} in the index: take an id from a search."
        )


def _matches(hit: Hit, encoder: TermEncoder | None) -> Iterator[Match]:
    for term, score in hit.term_scores.items():
        share = score / hit.score if hit.score else 0.0
        if encoder is None or ":" in term:
            yield Match(term, "word", (), score, share)
        else:
            latent = encoder.vocabulary[int(term[1:])]
            yield Match(term, latent.family, latent.label, score, share)


def _print(matches: list[Match], score: float) -> None:
    rows = [
        (percent(m.share), f"{m.score:.2f}", m.term, m.kind, ", ".join(m.label))
        for m in matches[:SHOWN]
    ]
    print_table((("share", "right"), ("score", "right"), "term", "kind", "label"), rows)
    words = sum(match.score for match in matches if match.kind == "word")
    rest = f" The {len(matches) - SHOWN:,} smallest are left out." if len(matches) > SHOWN else ""
    click.echo(
        f"Score {score:.2f} from {len(matches):,} matches: words {percent(words / score)}, "
        f"latent terms {percent(1 - words / score)}.{rest}"
    )
