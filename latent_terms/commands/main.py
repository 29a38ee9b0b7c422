"""The `latent-terms` command: finds the verb's file, and turns what went wrong into a sentence.

Exit codes: 0 done; 1 failed, with a sentence on stderr; 2 the command was used wrongly;
130 interrupted (Ctrl-C); 141 the reader of our output went away (`| head`).
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from latent_terms import __version__

VERBS = (
    "demo",
    "index",
    "search",
    "explain",
    "encode",
    "vocabulary",
    "info",
    "eval",
    "train",
    "serve",
    "backfill",
    "migrate",
    "doctor",
    "pipeline",
)


class CommandLine(click.Group):
    """Imports a verb's file when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        file = f"latent_terms.commands.{cmd_name}"
        if cmd_name not in VERBS:
            return None
        verb = importlib.import_module(file).command
        assert isinstance(verb, click.Command)
        return verb

    def invoke(self, ctx: click.Context) -> Any:
        _never_fail_to_print()
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            _discard_stdout()
            ctx.exit(141)
        except _expected_errors() as exc:
            raise click.ClickException(_sentence(exc)) from exc
        return result


def _never_fail_to_print() -> None:
    """Documents may hold what the terminal's encoding cannot show: print it escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _discard_stdout() -> None:
    """Otherwise the interpreter complains about the same pipe once more when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _expected_errors() -> tuple[type[Exception], ...]:
    from adapters import EngineError
    from latent_terms import LatentTermsError

    return (EngineError, LatentTermsError, OSError)


def _sentence(exc: Exception) -> str:
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.filename}: {exc.strerror}." if exc.filename else f"{exc.strerror}."
    return str(exc)


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="latent-terms")
def main() -> None:
    """Latent terms: text in, terms in an ordinary index, ranked hits out.

    \b
    Start here:
      latent-terms demo
      latent-terms index corpus.jsonl --into my-index
      latent-terms search my-index "why is the sky blue"
    """


if __name__ == "__main__":
    main()
