"""`latent-terms vocabulary`: what the latents of a model stand for, and how common they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from latent_terms.commands.models import load_model, model_option
from latent_terms.commands.output import (
    json_option,
    percent,
    print_json,
    print_table,
    say,
)

if TYPE_CHECKING:
    from latent_terms.vocabulary import Latent, Vocabulary

FAMILIES = ("lexical", "narrow", "broad", "dead")
PLOTTED = 3  # latents that a line can be laid through


class Entry(NamedTuple):
    """A latent with its term and the share of passages that hold it."""

    term: str
    latent: Latent
    share: float

    def to_json(self) -> dict[str, Any]:
        return {
            "term": self.term,
            "df": self.latent.df,
            "share": round(self.share, 6),
            "family": self.latent.family,
            "label": list(self.latent.label),
        }


ORDERS: dict[str, Callable[[Entry], Any]] = {
    "df": lambda entry: -entry.latent.df,
    "rarity": lambda entry: entry.latent.df,
    "term": lambda entry: int(entry.term[1:]),
    "label": lambda entry: entry.latent.label,
}

family_option = click.option(
    "--family", type=click.Choice(FAMILIES), help="Only latents of this family."
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How many latents to print at most.",
)
sort_option = click.option(
    "--sort",
    type=click.Choice(list(ORDERS)),
    default="df",
    show_default=True,
    help="df: most common first; rarity: least common first.",
)


@click.group()
def command() -> None:
    """List, search and plot the latents of a model.

    A latent is one direction in what the model sees in a token; its label are the words that set it
    off most. Families: lexical (one word form), narrow (one concept), broad (a topic), dead.

    \b
    Examples:
      latent-terms vocabulary list --family narrow --limit 50
      latent-terms vocabulary search water
      latent-terms vocabulary plot --html zipf.html
    """


@command.command("list")
@family_option
@sort_option
@limit_option
@model_option
@json_option
def list_command(family: str | None, sort: str, limit: int, model: str, as_json: bool) -> None:
    """List latents with their document frequency, family and label.

    \b
    Examples:
      latent-terms vocabulary list --sort rarity
      latent-terms vocabulary list --limit 100000 --json > latents.jsonl
    """
    found = sorted(_entries(load_model(model).vocabulary), key=ORDERS[sort])
    _show(found, family=family, limit=limit, as_json=as_json)


@command.command("search")
@click.argument("word")
@family_option
@limit_option
@model_option
@json_option
def search_command(word: str, family: str | None, limit: int, model: str, as_json: bool) -> None:
    """Find the latents that stand for WORD, or for words that begin so; or a term such as t17.

    The higher the word stands in a latent's label, the higher is the latent in the list.

    \b
    Examples:
      latent-terms vocabulary search ocean
      latent-terms vocabulary search t17
    """
    entries = _entries(load_model(model).vocabulary)
    places = {entry: _place(word.lower(), entry) for entry in entries}
    found = [entry for entry in entries if places[entry] is not None]
    found.sort(key=lambda entry: (places[entry], -entry.latent.df))
    _show(found, family=family, limit=limit, as_json=as_json)


@command.command("plot")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plot as a page for the browser.",
)
@model_option
@json_option
def plot_command(html: Path | None, model: str, as_json: bool) -> None:
    """Plot document frequency against rank: in a language it falls by Zipf's law.

    \b
    Examples:
      latent-terms vocabulary plot
      latent-terms vocabulary plot --html zipf.html
    """
    from latent_terms.zipf import Curve, draw, page

    encoder = load_model(model)
    curve = Curve.of([latent.df for latent in encoder.vocabulary])
    if len(curve.frequencies) < PLOTTED:
        raise click.ClickException(
            f"{encoder.name} has {len(curve.frequencies)} live latents, too few for a curve. "
            "Choose another --model."
        )
    fit = curve.fit()
    families = Counter[str](latent.family for latent in encoder.vocabulary)
    facts = [
        f"{len(curve.frequencies):,} live latents of {len(encoder.vocabulary):,}; "
        + ", ".join(f"{families[family]:,} {family}" for family in FAMILIES),
        f"Zipf exponent {fit.exponent:.2f} (R² {fit.r2:.3f}): df falls as rank^-{fit.exponent:.2f}",
        f"document frequencies from {encoder.vocabulary.documents:,} passages of training text",
    ]
    title = f"Latent terms of {encoder.name}: document frequency by rank"
    if html is not None:
        html.write_text(page(curve, title=title, facts=facts), encoding="utf-8")
        say(f"Wrote {html}.")
    if as_json:
        print_json(
            {
                "model": encoder.name,
                "latents": len(encoder.vocabulary),
                "live": len(curve.frequencies),
                "families": {family: families[family] for family in FAMILIES},
                "zipf": {"exponent": fit.exponent, "r2": fit.r2},
                "points": list(curve.points(100)),
            }
        )
    elif html is None:
        click.echo("\n".join([title, "", *draw(curve), "", *facts]))


def _entries(vocabulary: Vocabulary) -> list[Entry]:
    documents = max(vocabulary.documents, 1)
    return [Entry(f"t{i}", latent, latent.df / documents) for i, latent in enumerate(vocabulary)]


def _place(word: str, entry: Entry) -> int | None:
    """Where in the label the word is, from 0; None where it is not."""
    if entry.term == word:
        return 0
    labels = entry.latent.label
    return next((i for i, label in enumerate(labels) if label.lower().startswith(word)), None)


def _show(entries: Sequence[Entry], *, family: str | None, limit: int, as_json: bool) -> None:
    chosen = [entry for entry in entries if family in (None, entry.latent.family)]
    if not chosen:
        say("There is no such latent.")
    if as_json or not chosen:
        for entry in chosen[:limit]:
            print_json(entry.to_json())
        return
    rows = [
        (e.term, f"{e.latent.df:,}", percent(e.share), e.latent.family, ", ".join(e.latent.label))
        for e in chosen[:limit]
    ]
    print_table(("term", ("df", "right"), ("of texts", "right"), "family", "label"), rows)
    if len(chosen) > limit:
        say(f"{len(chosen):,} latents in all; more with --limit.")
