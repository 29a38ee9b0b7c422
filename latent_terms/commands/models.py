"""The --model option, and loading what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from latent_terms import TermEncoder

DEFAULT_MODEL = "minilm-en"

model_option = click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    metavar="MODEL",
    help="A model by its name, a model folder, or hub:organisation/name[@revision].",
)


def load_model(source: str) -> TermEncoder:
    """Raises ModelFolderError."""
    import latent_terms

    return latent_terms.load(source)
