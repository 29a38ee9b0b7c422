"""First stage: reconstruct token states."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from latent_terms.training.checkpoints import load_checkpoint, save_checkpoint
from latent_terms.training.config import TrainConfig
from latent_terms.training.sae import SparseAutoencoder
from latent_terms.training.states import mixed_batches

BUFFER_SHARDS = 8  # about two million states, 1.6 GB at 384 dimensions


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the progress bar shows after a step."""

    tokens: int
    nmse: float
    dead_share: float


def learning_rate(step: int, steps: int, *, peak: float, warmup: float) -> float:
    """Linear warm-up, then a cosine down to a tenth of the peak."""
    rise = max(1, round(steps * warmup))
    if step < rise:
        return peak * (step + 1) / rise
    share = (step - rise) / max(1, steps - rise)
    return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * share)))


def train_reconstruction(
    shards: Sequence[Path],
    config: TrainConfig,
    *,
    dimensions: int,
    checkpoint: Path,
    progress: Callable[[Reading], None],
) -> SparseAutoencoder:
    """Train on all shards, going on from ``checkpoint`` if it exists.

    The same seed, shards and configuration give the same autoencoder on one machine.
    """
    k = config.first_k or min(2 * config.k, config.n_latents)
    sae = SparseAutoencoder(dimensions, config.n_latents, k).to(config.device)
    sae.initialise(_mean_state(shards), torch.Generator().manual_seed(config.seed))
    optimiser = torch.optim.Adam(sae.parameters(), lr=config.learning_rate, fused=True)
    silent = torch.zeros(config.n_latents, dtype=torch.int64, device=config.device)
    tokens = sum(len(np.load(shard, mmap_mode="r")) for shard in shards)
    steps = config.epochs * (tokens // config.batch_tokens)
    state: dict[str, Any] = {"sae": sae, "optimiser": optimiser, "silent": silent}
    done = load_checkpoint(checkpoint, state)
    for step, batch in enumerate(_batches(shards, config, skip=done), start=done):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(
                step, steps, peak=config.learning_rate, warmup=config.warmup
            )
        dead = (silent > config.dead_after).nonzero().flatten()
        result = sae.backward(
            batch.to(config.device), dead=dead if len(dead) else None, auxiliary=config.auxiliary
        )
        optimiser.step()
        sae.normalise()
        silent += config.batch_tokens
        silent[result.fired] = 0
        if (step + 1) % config.checkpoint_steps == 0 or step + 1 == steps:
            save_checkpoint(checkpoint, state, step + 1)
        progress(
            Reading(
                tokens=(step + 1) * config.batch_tokens,
                nmse=result.nmse,
                dead_share=len(dead) / config.n_latents,
            )
        )
    return sae


def _mean_state(shards: Sequence[Path]) -> torch.Tensor:
    return torch.from_numpy(np.load(shards[0], mmap_mode="r")[:200_000].astype(np.float32).mean(0))


def _batches(shards: Sequence[Path], config: TrainConfig, *, skip: int) -> Iterator[torch.Tensor]:
    for epoch in range(config.epochs):
        for batch in mixed_batches(
            shards,
            batch_tokens=config.batch_tokens,
            buffer_shards=BUFFER_SHARDS,
            seed=config.seed + epoch,
        ):
            if skip > 0:
                skip -= 1
            else:
                yield torch.from_numpy(batch)
