"""From a trained autoencoder to a model folder: count, label, quantise, report."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latent_terms.pooling import query_terms, sums_by_window
from latent_terms.sae import OnnxSae
from latent_terms.training.config import TrainConfig
from latent_terms.training.corpus import read_passages
from latent_terms.training.folder import document_k, write_model
from latent_terms.training.quantise import Floats
from latent_terms.training.report import build_report, write_report
from latent_terms.training.sae import SparseAutoencoder
from latent_terms.training.sae_onnx import write_sae
from latent_terms.training.spans import read_pairs
from latent_terms.training.stages import Run
from latent_terms.training.states import SHARD_PASSAGES, StateCache, read_shard
from latent_terms.training.statistics import LatentStatistics, read_statistics

SAMPLE_STATES = 50_000  # on which the int8 scale is set
SAMPLE_PASSAGES = 1000  # on which frequencies are scaled
SAMPLE_SPANS = 2000  # whose terms are counted, as queries


def finish(run: Run, sae: SparseAutoencoder, cache: StateCache, out: Path) -> dict[str, Any]:
    """Count, label and quantise the latents; write the model folder and its report."""
    config, spec = run.config, run.retriever.spec
    staged = run.work / "model"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    sample = np.load(cache.shards()[0], mmap_mode="r")[:SAMPLE_STATES].astype(np.float32)
    k = max(document_k(config), config.query_k or config.k)
    weight, bias = folded(sae)

    def write(dropped: NDArray[np.bool_]) -> OnnxSae:
        path = staged / "sae.onnx"
        write_sae(path, weight=weight, bias=bias, k=k, sample=sample, dropped=dropped)
        return OnnxSae(path, dimensions=spec.dimensions, k=k)

    served = write(np.zeros(config.n_latents, np.bool_))
    scale = document_scale(served, cache, config)
    statistics = _count(run, served, cache, scale)
    dropped = statistics.document_frequency > config.drop_above * statistics.passages
    served = write(dropped)
    statistics = statistics.without(dropped)
    report = build_report(
        statistics,
        losses=run.losses,
        terms_per_query=_terms_per_query(served, cache, config, scale * config.query_detail),
        config=asdict(config),
        float_products=run.retriever.float_products,
    )
    write_model(staged, run.retriever, config, statistics, scale=scale, name=out.name)
    write_report(staged, report, statistics)
    os.replace(staged, out)
    return report


def folded(sae: SparseAutoencoder) -> tuple[Floats, Floats]:
    """Weight (d, n_latents) and bias (n_latents,) that act on states as they come."""
    with torch.no_grad():
        bias = sae.b_enc - sae.W_enc @ sae.b_pre
        return sae.W_enc.T.contiguous().cpu().numpy(), bias.cpu().numpy()


def document_scale(sae: OnnxSae, cache: StateCache, config: TrainConfig) -> float:
    """The scale at which the weakest ``rounded_away`` of a passage's weights fall below 1/2."""
    states, ends = read_shard(cache.shards()[0])
    ends = ends[:SAMPLE_PASSAGES]
    owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    codes = sae.encode(states[: ends[-1]].astype(np.float32)).strongest(document_k(config))
    weights = [np.sqrt(sums.values) for sums in sums_by_window(codes, owners, len(ends))]
    border = float(np.quantile(np.concatenate(weights), config.rounded_away))
    return round(0.5 / max(border, 1e-6), 4)


def _count(run: Run, sae: OnnxSae, cache: StateCache, scale: float) -> LatentStatistics:
    config = run.config
    shards = cache.shards()[: -(-config.vocabulary_passages // SHARD_PASSAGES)]
    return read_statistics(
        shards,
        read_passages(run.texts),
        sae,
        run.retriever.open_tokenizer(),
        k=document_k(config),
        n_latents=config.n_latents,
        scale=scale,
        limit=config.max_document_terms,
        progress=run.counter("vocabulary", len(shards) * SHARD_PASSAGES),
    )


def _terms_per_query(sae: OnnxSae, cache: StateCache, config: TrainConfig, scale: float) -> float:
    """Mean number of terms of spans read as queries; 0 when there are no spans."""
    idf = np.ones(config.n_latents)
    counts: list[int] = []
    for passage in read_pairs(cache, seed=config.seed):
        states = passage.span_states.astype(np.float32)
        codes = sae.encode(states).strongest(config.query_k or config.k)
        (sums,) = sums_by_window(codes, np.zeros(len(states), np.int64), 1)
        counts.append(len(query_terms(sums, scale, config.max_query_terms, idf)))
        if len(counts) == SAMPLE_SPANS:
            break
    return float(np.mean(counts)) if counts else 0.0
