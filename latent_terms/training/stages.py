"""The stages of a training run up to a trained autoencoder; each resumes where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from latent_terms.cores import usable_cores
from latent_terms.errors import LatentTermsError
from latent_terms.training.config import TrainConfig
from latent_terms.training.corpus import identify, read_passages
from latent_terms.training.reconstruction import Reading, train_reconstruction
from latent_terms.training.refine import RefineReading, refine
from latent_terms.training.retriever import Retriever
from latent_terms.training.sae import SparseAutoencoder
from latent_terms.training.spans import read_pairs, write_spans
from latent_terms.training.states import StateCache, read_shard

LOSS_STEPS = 50  # of the running means in the report


class Progress(Protocol):
    """Told after every step; ``total`` is what ``done`` runs up to in this stage."""

    def __call__(self, stage: str, done: float, total: float, note: str) -> None: ...


@dataclass
class Run:
    """One training run: its inputs, its working folder, and the readings for the report."""

    retriever: Retriever
    texts: Sequence[Path]
    config: TrainConfig
    work: Path
    progress: Progress
    losses: dict[str, float] = field(default_factory=dict)
    """Running means over the last steps of each stage, kept in the working folder."""

    def __post_init__(self) -> None:
        if self._kept.exists():
            self.losses = json.loads(self._kept.read_text(encoding="utf-8"))

    @property
    def _kept(self) -> Path:
        return self.work / "losses.json"

    def _follow(self, **readings: float) -> None:
        for name, value in readings.items():
            before = self.losses.get(name, value)
            self.losses[name] = before + (value - before) / LOSS_STEPS

    def _keep_losses(self) -> None:
        self._kept.write_text(json.dumps(self.losses), encoding="utf-8")

    def states(self) -> StateCache:
        """Token states of as many passages as hold the tokens asked for."""
        spec, config = self.retriever.spec, self.config
        key = f"{identify([self.retriever.model, *self.texts])} {spec.document_prefix!r}"
        cache = StateCache(self.work / "states", key=key)
        cache.fill(
            read_passages(self.texts),
            self.retriever.open(),
            prefix=spec.document_prefix,
            max_tokens=spec.max_tokens,
            token_budget=config.tokens,
            threads=usable_cores(),
            progress=self.counter("token states", config.tokens),
        )
        if not cache.shards():
            raise LatentTermsError(f"no passages in {', '.join(map(str, self.texts))}")
        return cache

    def reconstruct(self, cache: StateCache) -> SparseAutoencoder:
        total = cache.count_tokens() * self.config.epochs

        def show(reading: Reading) -> None:
            self._follow(nmse=reading.nmse)
            note = f"NMSE {reading.nmse:.3f}, dead {100 * reading.dead_share:.1f} %"
            self.progress("reconstruction", reading.tokens, total, note)

        sae = train_reconstruction(
            cache.shards(),
            self.config,
            dimensions=self.retriever.spec.dimensions,
            checkpoint=self.work / "reconstruction.safetensors",
            progress=show,
        )
        self._keep_losses()
        return sae

    def refine(self, sae: SparseAutoencoder, cache: StateCache) -> None:
        spec, config = self.retriever.spec, self.config
        write_spans(
            cache,
            read_passages(self.texts),
            self.retriever.open(),
            self.retriever.open_tokenizer(),
            prefix=spec.query_prefix,
            max_tokens=spec.max_tokens,
            passages=config.refine_passages,
            threads=usable_cores(),
            seed=config.seed,
            progress=self.counter("spans", config.refine_passages),
        )

        def show(reading: RefineReading) -> None:
            self._follow(refined_nmse=reading.nmse, contrastive=reading.contrastive)
            note = f"found first {100 * reading.accuracy:.0f} %, NMSE {reading.nmse:.3f}"
            self.progress("refinement", reading.passages, config.refine_passages, note)

        sae.k = config.k
        shares = document_shares(sae, cache, self.config)
        refine(
            sae,
            read_pairs(cache, seed=config.seed),
            config,
            document_shares=shares,
            checkpoint=self.work / "refined.safetensors",
            progress=show,
        )
        self._keep_losses()

    def counter(self, stage: str, total: int) -> Callable[[int], None]:
        done = 0

        def add(count: int) -> None:
            nonlocal done
            done += count
            self.progress(stage, done, total, "")

        return add


def document_shares(sae: SparseAutoencoder, cache: StateCache, config: TrainConfig) -> torch.Tensor:
    """Share of the first shard's passages in which each latent is active, (n_latents,)."""
    states, ends = read_shard(cache.shards()[0])
    counts = torch.zeros(config.n_latents)
    for start, stop in zip([0, *ends[:-1]], ends, strict=True):
        passage = torch.from_numpy(states[start:stop].astype(np.float32)).to(config.device)
        if len(passage):
            with torch.no_grad():
                codes = sae.encode(passage)
            counts[torch.unique(codes.indices[codes.values > 0]).cpu()] += 1
    return counts / len(ends)
