"""Second stage: the encoder learns which latents to choose so that BM25 finds passages.

Reconstruction alone spends latents on whatever varies in the states. Here a span of a passage,
encoded by itself as a query would be, has to find its passage among the others of a batch, the
span's own tokens left out (inverse cloze task: Lee et al. 2019, arXiv 1906.00300), by the score
that the engine will use: BM25 over pooled latents. The reconstruction loss stays on, so that
every latent keeps its meaning. No judgements are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from latent_terms.training.checkpoints import load_checkpoint, save_checkpoint
from latent_terms.training.config import TrainConfig
from latent_terms.training.sae import SparseAutoencoder
from latent_terms.training.spans import Passage

K1, B = 1.2, 0.75  # what engines use when nobody touches them
TEMPERATURE = 0.2  # of the mean BM25 score per unit of query weight
BATCH_PASSAGES = 96
PASSAGE_TOKENS = 160  # of a passage in a batch; the rest is left out
ANCHOR = 2.0  # weight of the reconstruction loss
WARMUP_STEPS = 20


class Pair(NamedTuple):
    """A span read as a query, and its passage without the span."""

    query: NDArray[np.float16]  # (n_query, d)
    document: NDArray[np.float16]  # (n_document, d)


@dataclass(frozen=True, kw_only=True)
class RefineReading:
    """What the progress bar shows after a step."""

    passages: int
    contrastive: float  # cross entropy over the batch, nats
    accuracy: float  # share of spans that find their passage first
    nmse: float
    terms: float  # unique latents per passage


def refine(
    sae: SparseAutoencoder,
    passages: Iterator[Passage],
    config: TrainConfig,
    *,
    document_shares: Tensor,
    checkpoint: Path,
    progress: Callable[[RefineReading], None],
) -> None:
    """Train ``sae`` further in place, one pass over ``passages``, going on from ``checkpoint``.

    ``document_shares`` (n_latents,): the share of passages with each latent, for the idf.
    """
    shares = document_shares.clamp(1e-4, 1 - 1e-4).to(config.device)
    idf = torch.log1p((1 - shares) / shares)
    optimiser = torch.optim.Adam(sae.parameters(), lr=config.refine_rate, fused=True)
    state: dict[str, Any] = {"sae": sae, "optimiser": optimiser}
    done = load_checkpoint(checkpoint, state)
    steps = config.refine_passages // BATCH_PASSAGES
    batches = islice(_batches(passages, BATCH_PASSAGES), done, steps)
    for step, pairs in enumerate(batches, start=done):
        rate = config.refine_rate * min(1.0, (step + 1) / WARMUP_STEPS, 2 * (1 - step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad()
        loss, reading = batch_loss(sae, pairs, idf, config)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        sae.normalise()
        if (step + 1) % config.checkpoint_steps == 0 or step + 1 == steps:
            save_checkpoint(checkpoint, state, step + 1)
        progress(RefineReading(passages=(step + 1) * BATCH_PASSAGES, **reading))


def batch_loss(
    sae: SparseAutoencoder, pairs: Sequence[Pair], idf: Tensor, config: TrainConfig
) -> tuple[Tensor, dict[str, float]]:
    """The loss of one batch and what it is made of."""
    queries = [p.query for p in pairs]
    documents = [p.document[:PASSAGE_TOKENS] for p in pairs]
    states = torch.from_numpy(np.concatenate(queries + documents).astype(np.float32))
    states = states.to(config.device)
    lengths = torch.tensor([len(s) for s in queries + documents], device=config.device)
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=config.device), lengths)
    codes = sae.encode(states)
    nmse = _reconstruction(sae, states, codes.values, codes.indices)
    weights = pool(codes.values, codes.indices, owners, len(lengths), len(sae.b_enc))
    scores = bm25(weights[: len(pairs)], weights[len(pairs) :], idf)
    target = torch.arange(len(pairs), device=config.device)
    contrastive = cross_entropy(scores / TEMPERATURE, target)
    spread = (weights.sum(dim=1) / weights.norm(dim=1).clamp_min(1e-6)).mean()
    loss = contrastive + ANCHOR * nmse + config.sparsity * spread
    with torch.no_grad():
        reading = {
            "contrastive": float(contrastive),
            "accuracy": float((scores.argmax(dim=1) == target).float().mean()),
            "nmse": float(nmse),
            "terms": float((weights[len(pairs) :] > 0.5).sum(dim=1).float().mean()),
        }
    return loss, reading


def _reconstruction(
    sae: SparseAutoencoder, states: Tensor, values: Tensor, indices: Tensor
) -> Tensor:
    centred = states - sae.b_pre
    error = (
        torch.einsum("nk,nkd->nd", values, torch.nn.functional.embedding(indices, sae.W_dec))
        - centred
    )
    variance = (states - states.mean(dim=0)).square().sum()
    return error.square().sum() / variance


def pool(values: Tensor, indices: Tensor, owners: Tensor, texts: int, n_latents: int) -> Tensor:
    """w = sqrt(sum of codes) per text and latent: (texts, n_latents), differentiable."""
    flat = (owners[:, None] * n_latents + indices).flatten()
    sums = torch.zeros(texts * n_latents, device=values.device).index_add(0, flat, values.flatten())
    active = sums > 1e-6  # the root has no slope at 0
    roots = torch.where(active, torch.where(active, sums, torch.ones_like(sums)).sqrt(), 0.0)
    return roots.view(texts, n_latents)


def bm25(queries: Tensor, documents: Tensor, idf: Tensor) -> Tensor:
    """Scores (q, d) of weights (q, n) and (d, n), per unit of query weight."""
    length = documents.sum(dim=1, keepdim=True)
    norm = K1 * (1 - B + B * length / length.mean())
    saturated = documents / (documents + norm) * idf
    scores: Tensor = queries @ saturated.T
    return scores / queries.sum(dim=1, keepdim=True).clamp_min(1e-6)


def _batches(passages: Iterator[Passage], size: int) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    for passage in passages:
        batch.append(Pair(passage.span_states, passage.without_span()))
        if len(batch) == size:
            yield batch
            batch = []
