"""The back-fill of one latent field in a migration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from latent_terms.commands.models import load_model

if TYPE_CHECKING:
    from adapters.dialect.meta import LatentField
    from adapters.server.cluster import Cluster
    from latent_terms import TermEncoder


def encoder_of(field: LatentField, source: str | None) -> TermEncoder:
    """The model of a field; `source` where it is not to be found by the name in the index.

    Raises ModelMismatch where the source is another model than that of the field.
    """
    from adapters.errors import ModelMismatch

    source = source or field.model
    if source is None:
        raise click.UsageError(f"the index does not say where the model of {field.name} is.")
    encoder = load_model(source)
    if encoder.fingerprint != field.fingerprint:
        raise ModelMismatch(
            f"{field.name} holds terms of model {field.fingerprint}, and {source} is "
            f"{encoder.fingerprint}: name the right one"
        )
    return encoder


def fill(cluster: Cluster, index: str, field: LatentField, encoder: TermEncoder) -> str:
    """Fill the documents that lack the field.

    Returns a sentence about those that could not be filled, empty where there were none. Raises
    EngineError.
    """
    from adapters.backfill.target import find_target
    from latent_terms.commands import filling

    target = find_target(cluster, index, fingerprint=field.fingerprint, model=field.model)
    bad = Path(f"{index}.rejected.jsonl")
    done = filling.fill(target, encoder, bad)
    if not done.rejected:
        return ""
    return f"{done.rejected:,} documents could not be filled. {bad} names them with the reasons."
