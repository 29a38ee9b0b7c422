"""The finished model folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from latent_terms.manifest import Manifest, write_manifest
from latent_terms.specs import SaeSpec, TermsSpec
from latent_terms.training.config import TrainConfig
from latent_terms.training.retriever import Retriever
from latent_terms.training.statistics import LatentStatistics
from latent_terms.vocabulary import Vocabulary


def write_model(
    folder: Path,
    retriever: Retriever,
    config: TrainConfig,
    statistics: LatentStatistics,
    *,
    scale: float,
    name: str,
) -> Manifest:
    """Add all but ``sae.onnx``, which is there, to a folder, the manifest last."""
    shutil.copyfile(retriever.model, folder / "backbone.onnx")
    shutil.copyfile(retriever.tokenizer, folder / "tokenizer.json")
    Vocabulary(statistics.latents(), documents=statistics.passages).write(
        folder / "vocabulary.jsonl"
    )
    return write_manifest(
        folder,
        name=name,
        languages=[language.strip() for language in config.languages.split(",")],
        license=config.license,
        backbone=retriever.spec,
        sae=SaeSpec(
            n_latents=config.n_latents,
            document_k=document_k(config),
            query_k=config.query_k or config.k,
        ),
        terms=TermsSpec(
            document_scale=scale,
            query_scale=scale * config.query_detail,
            max_document_terms=config.max_document_terms,
            max_query_terms=config.max_query_terms,
        ),
    )


def document_k(config: TrainConfig) -> int:
    """Active latents per token of a document."""
    return config.document_k or config.k
