"""The --model options, and loading what they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from adapters import Schema
    from latent_terms import TermEncoder

DEFAULT_MODEL = "minilm-en"
NAMES = "A model by its name, a model folder, or hub:organisation/name[@revision]"

model_option = click.option(
    "--model", default=DEFAULT_MODEL, show_default=True, metavar="MODEL", help=f"{NAMES}."
)
model_of_index_option = click.option(
    "--model",
    metavar="MODEL",
    help=f"{NAMES}.  [default: the one the index was made with; for a new index {DEFAULT_MODEL}]",
)


def load_model(source: str) -> TermEncoder:
    """Raises ModelFolderError."""
    import latent_terms

    return latent_terms.load(source)


def load_model_of(schema: Schema, model: str | None) -> TermEncoder | None:
    """The encoder for an index; None where the index holds no latent terms."""
    if schema.fingerprint is None:
        if model is not None:
            raise click.UsageError("--model: this index was made without latent terms.")
        return None
    return load_model(model or schema.model or DEFAULT_MODEL)


def address_of(source: str) -> str:
    """What an index remembers its model by: loads the same model from any working folder."""
    from latent_terms.sources import shipped

    is_folder = source not in shipped() and Path(source).is_dir()
    return str(Path(source).resolve()) if is_folder else source
