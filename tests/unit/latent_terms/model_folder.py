"""A whole model folder small enough to compute by hand: 16 dimensions, 32 latents, 24 words.

The state of a token is its word's row of a table plus a tenth of the mean row of its window, so
that padding or a neighbour that leaked into a window would change its terms.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from latent_terms.manifest import Manifest, write_manifest
from latent_terms.specs import BackboneSpec, SaeSpec, TermsSpec
from latent_terms.vocabulary import Latent, Vocabulary

DIMENSIONS = 16
N_LATENTS = 32
DOCUMENT_K = 4
QUERY_K = 2
MAX_TOKENS = 12
PASSAGES = 1000
WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    *("the", "a", "cat", "cats", "dog", "sat", "on", "mat", "wing", "lift", "drag", "flow"),
    *("query", ":", "猫", "犬", "кот", "🙂", "é", "x"),
]


def build(
    folder: Path,
    *,
    max_tokens: int = MAX_TOKENS,
    pooling: str = "mean",
    query_prefix: str = "",
    document_scale: float = 2.0,
    query_scale: float = 2.0,
    max_document_terms: int = 0,
    max_query_terms: int = 0,
) -> Manifest:
    """Write the model into ``folder`` and return its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()), encoding="utf-8")
    save(folder / "backbone.onnx", backbone())
    save(folder / "sae.onnx", sae())
    vocabulary().write(folder / "vocabulary.jsonl")
    return write_manifest(
        folder,
        name="tiny",
        languages=("en",),
        license="Apache-2.0",
        backbone=BackboneSpec(
            name="tiny/backbone",
            revision="",
            sha256="0" * 64,
            dimensions=DIMENSIONS,
            layer=1,
            max_tokens=max_tokens,
            pooling=pooling,
            query_prefix=query_prefix,
            document_prefix="",
        ),
        sae=SaeSpec(n_latents=N_LATENTS, document_k=DOCUMENT_K, query_k=QUERY_K),
        terms=TermsSpec(
            document_scale=document_scale,
            query_scale=query_scale,
            max_document_terms=max_document_terms,
            max_query_terms=max_query_terms,
        ),
    )


def tokenizer() -> dict[str, object]:
    """Words by white space, with a truncation and a padding that serving must not obey."""
    frame = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ]
    frame.append({"SpecialToken": {"id": "[SEP]", "type_id": 0}})
    special = {"[CLS]": 2, "[SEP]": 3}
    return {
        "version": "1.0",
        "truncation": {
            "direction": "Right",
            "max_length": 5,
            "strategy": "LongestFirst",
            "stride": 0,
        },
        "padding": {
            "strategy": {"Fixed": 9},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": frame,
            "pair": frame,
            "special_tokens": {
                token: {"id": token, "ids": [number], "tokens": [token]}
                for token, number in special.items()
            },
        },
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate(WORDS)},
            "unk_token": "[UNK]",
        },
    }


def word_states() -> np.ndarray:
    """(words, DIMENSIONS) float32."""
    return np.random.default_rng(7).standard_normal((len(WORDS), DIMENSIONS)).astype(np.float32)


def sae_weights() -> np.ndarray:
    """(DIMENSIONS, N_LATENTS) float32."""
    return np.random.default_rng(8).standard_normal((DIMENSIONS, N_LATENTS)).astype(np.float32)


def backbone(width: int = DIMENSIONS) -> onnx.ModelProto:
    constants = {
        "table": word_states()[:, :width],
        "middle": np.array([1], np.int64),
        "last": np.array([2], np.int64),
        "share": np.array(0.1, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "middle"], ["attention"]),
        helper.make_node("MatMul", ["attention", "rows"], ["sum"]),
        helper.make_node("ReduceSum", ["attention", "last"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("Mul", ["mean", "share"], ["context"]),
        helper.make_node("Add", ["rows", "context"], ["states"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    shape = ["batch", "length", width]
    return model(nodes, inputs, [("states", TensorProto.FLOAT, shape)], constants)


def sae(k: int = DOCUMENT_K) -> onnx.ModelProto:
    constants = {"weights": sae_weights(), "k": np.array([k], np.int64)}
    nodes = [
        helper.make_node("MatMul", ["states", "weights"], ["all"]),
        helper.make_node("TopK", ["all", "k"], ["top", "indices"], axis=1),
        helper.make_node("Relu", ["top"], ["values"]),
    ]
    inputs = [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", DIMENSIONS])]
    outputs = [("values", TensorProto.FLOAT, ["n", k]), ("indices", TensorProto.INT64, ["n", k])]
    return model(nodes, inputs, outputs, constants)


def vocabulary() -> Vocabulary:
    """Latent i is active in 30 x i passages; labels are words of the tokenizer."""
    words = WORDS[4:16]
    latents = [
        Latent(30 * n, (words[n % 12], words[(n + 1) % 12]), "narrow") for n in range(N_LATENTS)
    ]
    return Vocabulary(latents, documents=PASSAGES)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[tuple[str, int, list[str | int]]],
    constants: dict[str, np.ndarray],
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def save(path: Path, proto: onnx.ModelProto) -> None:
    path.write_bytes(proto.SerializeToString())
