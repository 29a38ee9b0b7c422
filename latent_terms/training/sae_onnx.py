"""The encoder half of a trained autoencoder as the int8 ``sae.onnx`` that serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from latent_terms.training.export import OPSET
from latent_terms.training.quantise import CONTRIB, Floats, input_scale, round_weight

BLOCK = 32  # latents per block in the search for the strongest; measured fastest of 16, 32, 64
IR_VERSION = 10  # readable by every onnxruntime since 1.18


def write_sae(
    path: Path,
    *,
    weight: Floats,
    bias: Floats,
    k: int,
    sample: Floats,
    dropped: NDArray[np.bool_],
) -> None:
    """Write ``states`` (n, d) -> ``values``, ``indices`` (n, k), strongest first.

    ``weight`` (d, n_latents) and ``bias`` (n_latents,) act on the states as they come, so b_pre
    is folded in. ``sample`` (m, d) sets the int8 scale. The k strongest are sought in the k
    blocks with the largest maxima. The values of ``dropped`` latents become 0 after that, so
    that no weaker latent takes their place.
    """
    scale = input_scale(sample, weight)
    rounded, columns = round_weight(weight * scale.smoothing[:, None])
    latents = weight.shape[1]
    block = BLOCK if latents % BLOCK == 0 and latents // BLOCK >= k else latents
    graph = _Graph()
    graph.constant("shrink", (1 / scale.smoothing).astype(np.float32))
    graph.constant("scale", np.array(scale.scale, np.float32))
    graph.constant("zero", np.array(scale.zero, np.uint8))
    graph.constant("weight", rounded)
    graph.constant("columns", columns)
    graph.constant("bias", bias.astype(np.float32))
    graph.constant("kept", np.where(dropped, 0, 1).astype(np.float32))
    graph.node("Mul", ["states", "shrink"], ["smooth"])
    graph.node("QuantizeLinear", ["smooth", "scale", "zero"], ["input"])
    inputs = ["input", "weight", "scale", "columns", "zero", "", "bias"]
    graph.node("MatMulIntegerToFloat", inputs, ["activations"], domain=CONTRIB)
    _find_strongest(graph, latents, k, block)
    onnx.save(graph.model(weight.shape[0], k), path)


def _find_strongest(graph: _Graph, latents: int, k: int, block: int) -> None:
    blocks = min(k, latents // block)
    graph.constant("k", np.array([k], np.int64))
    graph.constant("blocks", np.array([blocks], np.int64))
    graph.constant("by_block", np.array([0, latents // block, block], np.int64))
    graph.constant("flat", np.array([0, blocks * block], np.int64))
    graph.constant("last", np.array([2], np.int64))
    graph.constant("block", np.array(block, np.int64))
    graph.constant("offsets", np.arange(block, dtype=np.int64)[None, None, :])
    graph.node("Reshape", ["activations", "by_block"], ["blocked"])
    graph.node("ReduceMax", ["blocked", "last"], ["maxima"], keepdims=0)
    graph.node("TopK", ["maxima", "blocks"], ["_maxima", "chosen"], axis=1, sorted=0)
    graph.node("Mul", ["chosen", "block"], ["starts"])
    graph.node("Unsqueeze", ["starts", "last"], ["starts_3d"])
    graph.node("Add", ["starts_3d", "offsets"], ["candidates_3d"])
    graph.node("Reshape", ["candidates_3d", "flat"], ["candidates"])
    graph.node("GatherElements", ["activations", "candidates"], ["found"], axis=1)
    graph.node("TopK", ["found", "k"], ["strongest", "places"], axis=1, sorted=1)
    graph.node("GatherElements", ["candidates", "places"], ["indices"], axis=1)
    graph.node("Relu", ["strongest"], ["positive"])
    graph.node("Gather", ["kept", "indices"], ["mask"])
    graph.node("Mul", ["positive", "mask"], ["values"])


class _Graph:
    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> None:
        self._constants.append(numpy_helper.from_array(value, name))

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def model(self, dimensions: int, k: int) -> Any:
        graph = helper.make_graph(
            self._nodes,
            "sae",
            [helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", dimensions])],
            [
                helper.make_tensor_value_info("values", TensorProto.FLOAT, ["n", k]),
                helper.make_tensor_value_info("indices", TensorProto.INT64, ["n", k]),
            ],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
