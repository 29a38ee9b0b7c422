"""A back-fill with progress on the terminal, and a file of the documents it could not fill."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latent_terms.commands.output import progress, say

if TYPE_CHECKING:
    from adapters.backfill.backfill import BackfillProgress
    from adapters.backfill.target import Target
    from adapters.server.stored import StoredDocument
    from latent_terms import TermEncoder


def fill(
    target: Target, encoder: TermEncoder, rejected: Path, *, changed: bool = False
) -> BackfillProgress:
    """Raises EngineError."""
    from adapters.backfill.backfill import Backfill
    from adapters.dead_letters import DeadLetters

    bad = DeadLetters(rejected)

    def reject(document: StoredDocument, reason: str) -> None:
        where = f"{document.index}/{document.id}"
        bad.write(where=where, reason=reason, document={"_id": document.id})

    filling = Backfill(target, encoder, changed=changed, reject=reject)
    with bad, progress("back-fill", total=filling.to_do()) as update:
        try:
            return filling.run(lambda done: update(done.finished, f"{done.updated:,} updated"))
        except KeyboardInterrupt:
            say("What is filled stays: run the same command again to go on.")
            raise
