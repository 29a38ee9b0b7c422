"""A sentence-transformers folder to an ONNX graph of its token states."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from transformers import AutoModel

from latent_terms.errors import LatentTermsError

OPSET = 18

# Largest difference of a state's entry to torch's that an export may show; the dynamo exporter
# stays below 1e-5 where the legacy one was wrong by whole units with transformers 5.
TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class RetrieverSettings:
    """What a sentence-transformers folder says about its use; defaults where it is silent."""

    max_tokens: int
    longest: int  # what its position embeddings allow
    pooling: str
    query_prefix: str
    document_prefix: str


def read_settings(folder: Path) -> RetrieverSettings:
    """Read ``sentence_bert_config.json``, ``1_Pooling`` and the prompts of a folder.

    Raises LatentTermsError for a pooling other than mean or CLS.
    """
    model = _read_json(folder / "config.json")
    length = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    # RoBERTa keeps two positions for padding.
    positions = int(model.get("max_position_embeddings", 512))
    if model.get("model_type") in ("roberta", "xlm-roberta", "mpnet", "camembert"):
        positions -= 2
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return RetrieverSettings(
        max_tokens=min(int(length or positions), positions),
        longest=positions,
        pooling=_pooling(folder),
        query_prefix=prompts.get("query", ""),
        document_prefix=prompts.get("document", prompts.get("passage", "")),
    )


def _pooling(folder: Path) -> str:
    modes = _read_json(folder / "1_Pooling" / "config.json")
    if not modes or modes.get("pooling_mode_mean_tokens") or modes.get("pooling_mode") == "mean":
        return "mean"
    if modes.get("pooling_mode_cls_token") or modes.get("pooling_mode") == "cls":
        return "cls"
    raise LatentTermsError(
        f"{folder / '1_Pooling' / 'config.json'} asks for a pooling that is neither mean nor CLS: "
        "choose a backbone with one of these"
    )


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


class TokenStates(nn.Module):
    """An encoder whose only output is one layer's token states, (B, L) -> (B, L, d)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        states: Tensor = output.last_hidden_state
        return states


def load_backbone(folder: Path, *, layer: int = 0) -> TokenStates:
    """Load an encoder with its first ``layer`` layers (0: all of them).

    Raises LatentTermsError when the encoder has no such layer, or none that can be counted.
    """
    encoder = AutoModel.from_pretrained(folder, attn_implementation="eager").eval().float()
    layers = getattr(getattr(encoder, "encoder", encoder), "layer", None)
    if layers is None:
        raise LatentTermsError(
            f"{folder} holds a {type(encoder).__name__}: only encoders of the BERT family "
            "(BERT, RoBERTa, MiniLM, MPNet, E5, BGE, GTE) can be exported"
        )
    if not 0 <= layer <= len(layers):
        raise LatentTermsError(f"layer {layer} is not one of the {len(layers)} layers of {folder}")
    if layer:
        del layers[layer:]
    return TokenStates(encoder).eval()


def count_layers(backbone: TokenStates) -> int:
    """How many layers the states come through."""
    encoder: Any = backbone.encoder
    return len(getattr(encoder, "encoder", encoder).layer)


def export_onnx(backbone: TokenStates, path: Path, *, max_tokens: int) -> None:
    """Write an fp32 graph and compare it with torch on several shapes, padding included.

    Raises LatentTermsError when the two differ by more than ``TOLERANCE``.
    """
    ids, mask = _probe(backbone, batch=2, length=8)
    shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", min=2, max=max_tokens)}
    program = torch.onnx.export(
        backbone,
        (ids, mask),
        dynamo=True,
        input_names=["input_ids", "attention_mask"],
        output_names=["states"],
        dynamic_shapes=(shape, shape),
        opset_version=OPSET,
        verbose=False,
    )
    if program is None:
        raise LatentTermsError(
            "torch gave no ONNX program: use the dynamo exporter of torch >= 2.6"
        )
    program.save(path, external_data=False)
    _verify(backbone, path, max_tokens)


def _verify(backbone: TokenStates, path: Path, max_tokens: int) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch, length in ((1, 2), (1, max_tokens), (3, min(33, max_tokens))):
        ids, mask = _probe(backbone, batch=batch, length=length)
        with torch.no_grad():
            expected = backbone(ids, mask).numpy()
        found = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0]
        worst = float(np.abs(found - expected)[mask.numpy() > 0].max())
        if not worst <= TOLERANCE:
            raise LatentTermsError(
                f"the exported graph differs from torch by {worst:.2g} at shape "
                f"{(batch, length)}: upgrade torch, onnx and onnxscript"
            )


def _probe(backbone: TokenStates, *, batch: int, length: int) -> tuple[Tensor, Tensor]:
    embeddings: Any = backbone.encoder.get_input_embeddings()  # type: ignore[operator]
    generator = torch.Generator().manual_seed(length)
    ids = torch.randint(0, embeddings.num_embeddings, (batch, length), generator=generator)
    mask = torch.ones_like(ids)
    if batch > 1:
        mask[1:, length // 2 :] = 0
    return ids, mask
