"""Every option of training in one frozen object; the command line is made from it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from latent_terms.errors import LatentTermsError


def option(default: Any, help: str) -> Any:
    """A field whose sentence becomes its ``--help``."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Options of ``latent-terms train``; ``docs/training.md`` says which ones matter."""

    tokens: int = option(10_000_000, "Tokens of the text to train on.")
    epochs: int = option(1, "How often the tokens are gone through.")
    n_latents: int = option(16_384, "Size of the dictionary.")
    k: int = option(8, "Active latents per token in the second stage, and when serving.")
    document_k: int = option(0, "Active latents per token of a document (0: the same as k).")
    query_k: int = option(0, "Active latents per token of a query (0: the same as k).")
    first_k: int = option(0, "Active latents per token in the first stage (0: twice k).")
    batch_tokens: int = option(4096, "Token states per step, mixed over many passages.")
    learning_rate: float = option(1e-3, "Peak of the learning rate of Adam.")
    warmup: float = option(0.05, "Share of the steps in which the learning rate rises.")
    dead_after: int = option(1_000_000, "Tokens without firing after which a latent is dead.")
    auxiliary: float = option(1 / 32, "Weight of the loss that revives dead latents.")
    refine_passages: int = option(
        30_000, "Passages of the second, contrastive stage (0: reconstruction alone)."
    )
    refine_rate: float = option(3e-4, "Peak of the learning rate of the second stage.")
    sparsity: float = option(0.0, "Weight of the spread of a text over latents in that stage.")
    rounded_away: float = option(
        0.45, "Share of a passage's latents, weakest first, whose frequency rounds to 0."
    )
    query_detail: float = option(4.0, "How many times finer frequencies are in queries.")
    max_document_terms: int = option(
        0, "Most terms of a document of 256 tokens; goes with the root of its length (0: all)."
    )
    max_query_terms: int = option(0, "Most terms of a query, heaviest first (0: all).")
    drop_above: float = option(0.5, "Drop latents found in more than this share of passages.")
    layer: int = option(0, "Read the states behind this many layers (0: behind the last).")
    max_tokens: int = option(0, "Longest window in tokens (0: what the backbone says).")
    query_prefix: str | None = option(None, "Text before queries [default: the backbone's].")
    document_prefix: str | None = option(None, "Text before documents [default: the backbone's].")
    calibration_passages: int = option(200, "Passages on which int8 is calibrated.")
    vocabulary_passages: int = option(20_000, "Passages on which latents are counted, labelled.")
    backbone_name: str = option("", "Name of the backbone in the manifest [default: the source].")
    languages: str = option("en", "Languages of the text, separated by commas.")
    license: str = option("Apache-2.0", "Licence of the new model.")
    device: str = option("cpu", "Where torch trains: cpu, or cuda where there is a GPU.")
    checkpoint_steps: int = option(200, "Steps between checkpoints.")
    seed: int = option(0, "Seed of every random choice.")

    def __post_init__(self) -> None:
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise LatentTermsError(f"{name} is {getattr(self, name)}: it must be above 0")
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if isinstance(value, (int, float)) and value < 0:
                raise LatentTermsError(f"{name} is {value}: it must not be negative")
        for name in ("rounded_away", "drop_above", "warmup"):
            if getattr(self, name) > 1:
                raise LatentTermsError(f"{name} is {getattr(self, name)}: it is a share, 0 to 1")
        if max(self.k, self.document_k, self.query_k, self.first_k) > self.n_latents:
            raise LatentTermsError(f"k is above the {self.n_latents} latents: choose a smaller k")
        if self.device not in ("cpu", "cuda"):
            raise LatentTermsError(f"device is {self.device!r}: it must be cpu or cuda")


_ABOVE_ZERO = (
    "tokens",
    "epochs",
    "n_latents",
    "k",
    "batch_tokens",
    "learning_rate",
    "dead_after",
    "checkpoint_steps",
    "calibration_passages",
    "vocabulary_passages",
    "query_detail",
)
