"""The back-fill of a latent field from the command line, with progress and what was rejected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from latent_terms.commands.models import load_model
from latent_terms.commands.output import progress, say

if TYPE_CHECKING:
    from adapters.backfill import BackfillProgress
    from adapters.cluster import Cluster
    from adapters.dialect_meta import LatentField
    from adapters.stored import StoredDocument


def fill(cluster: Cluster, index: str, field: LatentField, *, model: str | None = None) -> str:
    """Fill what lacks the field; `model` where it is not to be found by the name in the index.

    Returns a sentence about documents that could not be filled, empty where there were none.
    Raises ModelMismatch before anything is written, and EngineError.
    """
    from adapters.backfill import Backfill
    from adapters.backfill_target import find_target
    from adapters.dead_letters import DeadLetters
    from adapters.errors import ModelMismatch

    source = model or field.model
    if source is None:
        raise click.UsageError(f"{index} does not name the model of {field.name}: give --model.")
    encoder = load_model(source)
    if encoder.fingerprint != field.fingerprint:
        raise ModelMismatch(
            f"{field.name} of {index} holds terms of model {field.fingerprint}, and {source} is "
            f"{encoder.fingerprint}: name the right one by --model"
        )
    target = find_target(cluster, index, fingerprint=field.fingerprint, model=field.model)
    bad = DeadLetters(Path(f"{index}.rejected.jsonl").absolute())

    def reject(document: StoredDocument, reason: str) -> None:
        where = f"{index}/{document.id}"
        bad.write(where=where, reason=reason, document={"_id": document.id})

    with bad, progress("back-fill", total=None) as update:

        def show(done: BackfillProgress) -> None:
            update(done.finished, f"{done.finished:,} of {done.total:,}")

        try:
            Backfill(target, encoder, reject=reject).run(show)
        except KeyboardInterrupt:
            say("What is filled stays: run the same command again to go on.")
            raise
    if not bad.count:
        return ""
    return f"{bad.count:,} documents could not be filled. {bad.path} names them with the reasons."
