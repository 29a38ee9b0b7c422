"""First step of training: the backbone as the int8 graph that will serve."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from tokenizers import Tokenizer

from latent_terms.backbone import OnnxBackbone
from latent_terms.errors import LatentTermsError
from latent_terms.specs import BackboneSpec
from latent_terms.training.config import TrainConfig
from latent_terms.training.corpus import read_passages
from latent_terms.training.export import (
    RetrieverSettings,
    count_layers,
    export_onnx,
    load_backbone,
    read_settings,
)
from latent_terms.training.quantise import quantise

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[^@\s]+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Retriever:
    """A prepared backbone: its files and its entry in the manifest."""

    model: Path
    tokenizer: Path
    spec: BackboneSpec
    float_products: tuple[str, ...]  # what quantisation left in float, and why

    def open(self) -> OnnxBackbone:
        """The backbone as it serves."""
        return OnnxBackbone(
            tokenizer=self.tokenizer, model=self.model, dimensions=self.spec.dimensions
        )

    def open_tokenizer(self) -> Tokenizer:
        """The tokenizer without truncation and padding."""
        tokenizer = Tokenizer.from_file(str(self.tokenizer))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def find_backbone(source: str) -> Path:
    """A folder, or a Hub id ``org/name[@revision]`` that is fetched; else LatentTermsError."""
    if Path(source).is_dir():
        return Path(source)
    if not _HUB_ID.fullmatch(source):
        raise LatentTermsError(
            f"there is no folder {source!r}, and it is not a Hub id: give a sentence-transformers "
            "folder, or org/name[@revision]"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    name, _, revision = source.partition("@")
    patterns = ["*.json", "*.safetensors", "1_Pooling/*"]
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError) as exc:
        raise LatentTermsError(
            f"{source} cannot be fetched ({type(exc).__name__}): check the id, the network, and "
            "HF_TOKEN for a private model"
        ) from exc


def prepare_retriever(
    source: str, texts: Sequence[Path], config: TrainConfig, folder: Path
) -> Retriever:
    """Export, quantise and describe a backbone into ``folder``; what is there is used again."""
    origin = find_backbone(source)
    note = folder / "backbone.json"
    model, tokenizer = folder / "backbone.onnx", folder / "tokenizer.json"
    if not note.exists():
        settings = _settings(origin, config)
        backbone = load_backbone(origin, layer=config.layer)
        layers = count_layers(backbone)
        shutil.copyfile(_tokenizer_file(origin), tokenizer)
        exact = folder / "backbone.float.onnx"
        export_onnx(backbone, exact, max_tokens=settings.max_tokens)
        kept = quantise(exact, model, _windows(tokenizer, texts, settings, config))
        exact.unlink()
        found = {"dimensions": _dimensions(model), "layer": layers, "float": kept}
        unfinished = note.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(found), encoding="utf-8")
        os.replace(unfinished, note)
    found = json.loads(note.read_text(encoding="utf-8"))
    settings = _settings(origin, config)
    spec = BackboneSpec(
        name=config.backbone_name or source,
        revision=source.partition("@")[2],
        sha256=_weights_hash(origin),
        dimensions=found["dimensions"],
        layer=found["layer"],
        max_tokens=settings.max_tokens,
        pooling=settings.pooling,
        query_prefix=settings.query_prefix,
        document_prefix=settings.document_prefix,
    )
    return Retriever(
        model=model, tokenizer=tokenizer, spec=spec, float_products=tuple(found["float"])
    )


def _settings(origin: Path, config: TrainConfig) -> RetrieverSettings:
    found = read_settings(origin)
    query, document = config.query_prefix, config.document_prefix
    return RetrieverSettings(
        max_tokens=min(config.max_tokens or found.max_tokens, found.longest),
        longest=found.longest,
        pooling=found.pooling,
        query_prefix=found.query_prefix if query is None else query,
        document_prefix=found.document_prefix if document is None else document,
    )


def _tokenizer_file(origin: Path) -> Path:
    path = origin / "tokenizer.json"
    if not path.is_file():
        raise LatentTermsError(
            f"{origin} has no tokenizer.json: save its fast tokenizer there "
            "(AutoTokenizer.from_pretrained(folder).save_pretrained(folder))"
        )
    return path


def _windows(
    tokenizer: Path, texts: Sequence[Path], settings: RetrieverSettings, config: TrainConfig
) -> Iterator[dict[str, NDArray[np.int64]]]:
    """Framed windows of passages spread over the text, for calibration."""
    reader = Tokenizer.from_file(str(tokenizer))
    reader.no_padding()
    reader.enable_truncation(settings.max_tokens)
    spread = islice(read_passages(texts), 0, config.calibration_passages * 30, 30)
    passages = list(spread) or list(islice(read_passages(texts), config.calibration_passages))
    for text in passages:
        ids = np.array([reader.encode(settings.document_prefix + text).ids], np.int64)
        yield {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _dimensions(model: Path) -> int:
    graph = onnx.load(model, load_external_data=False).graph
    return int(graph.output[0].type.tensor_type.shape.dim[2].dim_value)


def _weights_hash(origin: Path) -> str:
    files = sorted(origin.glob("*.safetensors")) or sorted(origin.glob("pytorch_model*.bin"))
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
