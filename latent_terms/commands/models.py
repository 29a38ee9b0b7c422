"""The --model options, and loading what they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from adapters import Schema
    from latent_terms import TermEncoder
    from latent_terms.manifest import Manifest

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


def read_manifest(source: str) -> Manifest:
    """What a model is, without loading it; raises ModelFolderError."""
    from latent_terms.manifest import Manifest
    from latent_terms.sources import resolve

    folder, root = resolve(source)
    return Manifest.read(folder, root=root)


def load_model_of(schema: Schema, model: str | None) -> TermEncoder | None:
    """The encoder for an index; None where the index holds no latent terms."""
    if schema.fingerprint is None:
        if model is not None:
            raise click.UsageError("--model: this index was made without latent terms.")
        return None
    if model is not None:
        return load_model(model)
    from latent_terms import ModelFolderError

    try:
        return load_model(schema.model or DEFAULT_MODEL)
    except ModelFolderError as exc:
        raise click.ClickException(
            f"The model that the index was made with cannot be loaded ({exc}). Name it with "
            "--model, or search by words alone with --mode lexical."
        ) from exc


def address_of(source: str) -> str:
    """What an index remembers its model by: loads the same model from any working folder."""
    from latent_terms.sources import shipped

    is_folder = source not in shipped() and Path(source).is_dir()
    return os.path.abspath(source) if is_folder else source
