"""`latent-terms train`: a model of your own from a dense retriever and text."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from latent_terms.commands.output import json_option, print_facts, print_json, progress, say
from latent_terms.training.config import TrainConfig

_TYPES = {"int": int, "float": float, "str": str, "str | None": str}


def _options(function: Any) -> Any:
    """One option per field of TrainConfig, in its order."""
    for field in reversed(fields(TrainConfig)):
        function = click.option(
            f"--{field.name.replace('_', '-')}",
            type=_TYPES[str(field.type)],
            default=field.default,
            show_default=field.default not in ("", None),
            help=_help(field),
        )(function)
    return function


def _help(field: Field[Any]) -> str:
    return str(field.metadata["help"])


@click.command()
@click.option(
    "--backbone",
    required=True,
    metavar="SOURCE",
    help="A sentence-transformers folder, or a Hub id: org/name[@revision].",
)
@click.option(
    "--text",
    "texts",
    required=True,
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Text to train on, one passage a line, plain or .gz; may be given several times.",
)
@click.option(
    "--out",
    required=True,
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The model folder to make; FOLDER.work holds unfinished work.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@_options
@json_option
def command(
    *,
    backbone: str,
    texts: tuple[Path, ...],
    out: Path,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train latent terms on the token states of a dense retriever.

    The retriever stays as it is; it is exported, made int8, and a sparse autoencoder learns its
    token states, then which of them find passages. Ten million tokens take about an hour on two
    CPU cores. Needs the extra: pip install 'latent-terms[train]'

    \b
    Examples:
      latent-terms train --backbone all-MiniLM-L6-v2/ --text corpus.txt.gz --out my-model
      latent-terms train --backbone BAAI/bge-small-en-v1.5 --text a.txt --text b.txt \\
        --out bge-terms --tokens 20000000 --k 12
    """
    config = TrainConfig(**options)
    try:
        from latent_terms.training.train import train
    except ModuleNotFoundError as exc:
        raise click.ClickException(
            f"Training needs {exc.name}: pip install 'latent-terms[train]'"
        ) from exc
    report = _train(train, backbone, texts, out, config, resume=resume)
    if as_json:
        print_json({"model": str(out), **report})
        return
    _print(out, report)


def _train(
    train: Any,
    backbone: str,
    texts: tuple[Path, ...],
    out: Path,
    config: TrainConfig,
    *,
    resume: bool,
) -> dict[str, Any]:
    meter = _Meter()
    with progress("training", total=1.0) as update:

        def show(stage: str, done: float, total: float, note: str) -> None:
            rate = meter.rate(stage, done)
            done = min(done, total)  # the last shard may hold more than was asked for
            update(done / total, f"{stage}: {done:,.0f} of {total:,.0f}{rate} {note}")
            if meter.entered:
                say(f"{stage} ...")

        report: dict[str, Any] = train(backbone, texts, out, config, resume=resume, progress=show)
    return report


class _Meter:
    """Units per second within a stage."""

    def __init__(self) -> None:
        self._stage = ""
        self.entered = False

    def rate(self, stage: str, done: float) -> str:
        from time import monotonic

        self.entered = stage != self._stage
        if self.entered:
            self._stage, self._start, self._from = stage, monotonic(), done
        elapsed = monotonic() - self._start
        return f", {(done - self._from) / elapsed:,.0f}/s" if elapsed > 1 else ""


def _print(out: Path, report: dict[str, Any]) -> None:
    zipf = report["zipf"]
    print_facts(
        [
            ("model", out),
            ("live latents", f"{report['live_latents']:,} of {report['latents']:,}"),
            ("terms per passage", report["terms_per_passage"]),
            ("terms per query", report["terms_per_query"]),
            ("Zipf", f"exponent {zipf['exponent']}, R² {zipf['r2']}"),
            ("report", out / "report.html"),
        ]
    )
    say(f"Try it: latent-terms info {out}")
