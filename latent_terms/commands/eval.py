"""`latent-terms eval`: how well a model retrieves, beside lexical BM25 and its own cosine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import click

from latent_terms.commands.models import load_model, model_option
from latent_terms.commands.output import json_option, print_facts, print_json, print_table
from latent_terms.evaluation import MEASURES, RUNS, Collection, Comparison, Evaluation, compare

PAIRS = (("latent", "dense"), ("latent", "lexical"), ("combined", "latent"))
TESTED = "ndcg@10"  # the measure that runs are compared by

Pair = tuple[str, str]
weight = click.FloatRange(min=0)


def _pairs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> list[Pair]:
    pairs = []
    for value in values:
        first, _, second = value.partition(":")
        if first not in RUNS or second not in RUNS:
            raise click.BadParameter(f"{value!r}: write two of {', '.join(RUNS)} as latent:dense")
        pairs.append((first, second))
    return pairs


@click.command("eval", short_help="Measure retrieval on a test collection.")
@click.argument("collection", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--split", default="test", show_default=True, help="Which judgements: qrels/SPLIT.tsv."
)
@click.option(
    "--run",
    "runs",
    type=click.Choice(RUNS),
    multiple=True,
    default=RUNS,
    help="Only this run; may be repeated.  [default: all four]",
)
@click.option(
    "--analyzer",
    type=click.Choice(["standard", "english"]),
    default="standard",
    show_default=True,
    help="How text is cut into words; english stems and drops stop words.",
)
@click.option("--lexical-weight", type=weight, help="Weight of words in the combined run.")
@click.option("--latent-weight", type=weight, help="Weight of latent terms in the combined run.")
@click.option(
    "--compare",
    "pairs",
    multiple=True,
    callback=_pairs,
    metavar="RUN:RUN",
    help="Test whether the two runs differ in nDCG@10; may be repeated.",
)
@click.option(
    "--per-query",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write each query's measures to this file, as JSON lines.",
)
@model_option
@json_option
def command(
    *,
    collection: Path,
    model: str,
    split: str,
    runs: tuple[str, ...],
    analyzer: Literal["standard", "english"],
    lexical_weight: float | None,
    latent_weight: float | None,
    pairs: list[Pair],
    per_query: Path | None,
    as_json: bool,
) -> None:
    """Measure a model on the collection at PATH, a folder in BEIR layout, plain or gzipped.

    It holds corpus.jsonl, queries.jsonl and qrels/test.tsv, and is indexed in a temporary
    folder and searched by words (lexical), by the cosine of the model's backbone (dense), by
    latent terms (latent), and by words and latent terms in one request (combined).

    Runs are compared by a paired randomisation test over the queries.

    \b
    Examples:
      latent-terms eval collections/scifact
      latent-terms eval collections/scifact --model my-model --run latent --json
      latent-terms eval collections/scifact --compare combined:dense --per-query queries.jsonl
    """
    from latent_terms.commands.eval_runs import evaluate

    pairs = pairs or [pair for pair in PAIRS if set(pair) <= set(runs)]
    _check_options(pairs, runs, per_query)
    weights = {"lexical_weight": lexical_weight, "latent_weight": latent_weight}
    given = {name: weight for name, weight in weights.items() if weight is not None}
    read = Collection.read(collection, split=split)
    encoder = load_model(model)
    found = evaluate(read, encoder, runs=runs, analyzer=analyzer, **given)
    tested = {pair: _compare(found, pair) for pair in pairs}
    if per_query is not None:
        _write_per_query(per_query, read, found)
    if as_json:
        print_json(_as_json(read, encoder.name, found, tested))
    else:
        _print(read, encoder.name, found, tested)


def _check_options(pairs: Sequence[Pair], runs: Sequence[str], per_query: Path | None) -> None:
    """What would only fail at the end, after everything has been measured."""
    for pair in pairs:
        if not set(pair) <= set(runs):
            raise click.UsageError(f"--compare {':'.join(pair)} needs a run that --run leaves out")
    if per_query is not None and not per_query.absolute().parent.is_dir():
        raise click.UsageError(f"--per-query {per_query}: {per_query.parent} is not a folder")


def _compare(found: Evaluation, pair: Pair) -> Comparison:
    first, second = pair
    return compare(found.values[first][TESTED], found.values[second][TESTED])


def _write_per_query(path: Path, collection: Collection, found: Evaluation) -> None:
    with path.open("w", encoding="utf-8") as file:
        for query, text in collection.queries.items():
            runs = {
                run: {name: by_query[query] for name, by_query in measured.items()}
                for run, measured in found.values.items()
            }
            file.write(json.dumps({"query": query, "text": text, "runs": runs}) + "\n")


def _as_json(
    collection: Collection, model: str, found: Evaluation, tested: dict[Pair, Comparison]
) -> dict[str, Any]:
    return {
        "collection": collection.name,
        "model": model,
        "runs": found.means(),
        "terms_per_document": found.terms_per_document,
        "terms_per_query": found.terms_per_query,
        "postings_per_query": found.postings_per_query,
        "split": collection.split,
        "documents": found.documents,
        "queries": len(collection.queries),
        "significance": [
            {"runs": list(pair), "measure": TESTED, **asdict(comparison)}
            for pair, comparison in tested.items()
        ],
    }


def _print(
    collection: Collection, model: str, found: Evaluation, tested: dict[Pair, Comparison]
) -> None:
    print_table(
        ["run", *((name, "right") for name in MEASURES)],
        [
            [run, *(f"{mean:.4f}" for mean in means.values())]
            for run, means in found.means().items()
        ],
        title=f"{collection.name} ({collection.split}), {model}",
    )
    print_facts(
        [
            ("documents", f"{found.documents:,}"),
            ("queries", f"{len(collection.queries):,}"),
            *_term_facts(found),
            *(_comparison_fact(pair, comparison) for pair, comparison in tested.items()),
        ]
    )


def _term_facts(found: Evaluation) -> list[tuple[str, str]]:
    if found.postings_per_query is None:
        return []
    postings = found.postings_per_query
    return [
        ("terms per document", f"{found.terms_per_document:,.1f}"),
        ("terms per query", f"{found.terms_per_query:,.1f}"),
        ("postings per query", f"{postings:,.0f}, {postings / found.documents:.2f} a document"),
    ]


def _comparison_fact(pair: Pair, comparison: Comparison) -> tuple[str, str]:
    return (
        f"{pair[0]} - {pair[1]}",
        f"{comparison.difference:+.4f} {TESTED}, p = {comparison.p_value:.4f} "
        f"(better on {comparison.better:,} queries, worse on {comparison.worse:,})",
    )
