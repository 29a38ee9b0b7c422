"""From a model's name, folder or address to a TermEncoder."""

from __future__ import annotations

import os

from latent_terms.backbone import OnnxBackbone
from latent_terms.encoder import TermEncoder
from latent_terms.errors import ModelFolderError
from latent_terms.manifest import Manifest
from latent_terms.sae import OnnxSae
from latent_terms.sources import resolve
from latent_terms.vocabulary import Vocabulary


def load(
    source: str | os.PathLike[str] = "minilm-en", *, threads: int | None = None
) -> TermEncoder:
    """Load a model: a shipped name, a folder, or ``hub:org/name[@revision]``.

    ``threads``: batches encoded at a time, by default one a CPU core. Raises ModelFolderError
    if there is no such model, or its folder is damaged or of another format.
    """
    path, root = resolve(source)
    manifest = Manifest.read(path, root=root)
    dimensions = manifest.backbone.dimensions
    vocabulary = Vocabulary.read(path / "vocabulary.jsonl")
    if len(vocabulary) != manifest.sae.n_latents:
        raise ModelFolderError(
            f"{path / 'vocabulary.jsonl'} describes {len(vocabulary)} latents, but its manifest "
            f"has {manifest.sae.n_latents}: build the model folder again"
        )
    return TermEncoder(
        manifest=manifest,
        backbone=OnnxBackbone(
            tokenizer=path / "tokenizer.json", model=path / "backbone.onnx", dimensions=dimensions
        ),
        sae=OnnxSae(
            path / "sae.onnx",
            dimensions=dimensions,
            k=max(manifest.sae.document_k, manifest.sae.query_k),
        ),
        vocabulary=vocabulary,
        threads=threads,
    )
