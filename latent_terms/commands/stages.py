"""Who encodes a query and reranks its hits: a model in this process, or the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from latent_terms.commands.models import DEFAULT_MODEL, load_model, load_model_of

if TYPE_CHECKING:
    from adapters import Schema
    from rerank_service.client import Client

sidecar_option = click.option(
    "--sidecar",
    metavar="URL",
    help="Base URL of the service: it encodes the query and reranks; no model is loaded here.",
)
sidecar_key_option = click.option(
    "--sidecar-key",
    envvar="LATENT_TERMS_SIDECAR_KEY",
    metavar="KEY",
    help="The service's key; better in LATENT_TERMS_SIDECAR_KEY, which nobody sees.",
)
rerank_option = click.option(
    "--rerank",
    type=click.IntRange(0, 10_000),
    metavar="N",
    help="Put the first N hits in order by MaxSim.  [default: 100 with --sidecar, else none]",
)


@dataclass(frozen=True)
class Stages:
    model: str | None
    lexical: bool
    sidecar: str | None
    sidecar_key: str | None = field(repr=False)
    rerank: int | None

    @contextmanager
    def open(self, schema: Schema) -> Iterator[tuple[Any, Any]]:
        """Encoder and reranker for an index; None where one is not needed."""
        if self.sidecar is None:
            encoder = None if self.lexical else load_model_of(schema, self.model)
            yield encoder, self._local(schema, encoder) if self.rerank else None
            return
        if self.model is not None:
            raise click.UsageError("--model: with --sidecar the model is the service's.")
        with self._client() as client:
            encodes = schema.fingerprint is not None and not self.lexical
            yield client if encodes else None, None if self.rerank == 0 else client

    def _local(self, schema: Schema, encoder: Any) -> Any:
        from rerank_service.local import LocalReranker

        known = encoder or load_model_of(schema, self.model) or load_model(DEFAULT_MODEL)
        return LocalReranker(known)

    def _client(self) -> Client:
        try:
            from rerank_service.client import Client
        except ModuleNotFoundError as exc:
            raise click.ClickException(
                f"--sidecar needs {exc.name}: pip install 'latent-terms[service]'"
            ) from exc
        return Client(str(self.sidecar), api_key=self.sidecar_key)
