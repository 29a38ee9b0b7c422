"""The command that starts the service, with a flag for each setting."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any

import click

from rerank_service.errors import SettingsRejected
from rerank_service.settings import Settings, flag, load_settings


def _flags(function: Callable[..., None]) -> Callable[..., None]:
    """A flag for each setting but the secret ones: what is given as a flag, others can see."""
    for each in reversed(fields(Settings)):
        if not each.metadata["secret"]:
            function = click.option(
                flag(each), type=int if each.type == "int" else str, help=_help(each)
            )(function)
    return function


def _help(each: Field[Any]) -> str:
    text = str(each.metadata["help"])
    return text if each.default == "" else f"{text}  [default: {each.default}]"


@click.command(short_help="Run the HTTP service: encode and rerank.")
@_flags
def command(**given: Any) -> None:
    """Run the HTTP service that encodes for search engines and reranks their candidates.

    Each option is also an environment variable: --timeout-ms is LATENT_TERMS_TIMEOUT_MS. Keys that
    clients must show come from LATENT_TERMS_API_KEYS or --api-keys-file. SIGTERM ends it when the
    requests in flight are answered. Needs the extra: pip install 'latent-terms[service]'

    \b
    Examples:
      latent-terms serve
      latent-terms serve --host 0.0.0.0 --port 8080 --store /var/lib/latent-terms
      LATENT_TERMS_API_KEYS=secret latent-terms serve --model path/to/model
    """
    from latent_terms import ModelFolderError, load

    try:
        from rerank_service.server import serve
    except ModuleNotFoundError as exc:
        raise click.ClickException(
            f"The service needs {exc.name}: pip install 'latent-terms[service]'"
        ) from exc
    try:
        settings = load_settings(os.environ, given)
        serve(load(settings.model, threads=1), settings)
    except (SettingsRejected, ModelFolderError) as exc:
        raise click.ClickException(f"{exc}.") from exc
