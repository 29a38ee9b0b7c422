"""Static int8 for an encoder's ONNX graph: fast on a CPU, and the same on every CPU.

What is quantised, and why so (measured on all-MiniLM-L6-v2, docs/training.md):

* The scale of the activations is fixed by calibration, not found per batch: the states of a text
  then do not depend on its neighbours, and so neither do its terms.
* Channels that reach far are shrunk and the weights behind them grown by the same factor before
  rounding (SmoothQuant, Xiao et al. 2023, arXiv 2211.10438, eq. 4).
* Weights are 7 bits wide, a scale per output channel: without VNNI, x86 adds products of 8-bit
  numbers in saturating 16-bit registers, and 7 bits cannot saturate them.
* A product whose result is off by more than ``MAX_ERROR`` stays in float: in MiniLM the output
  projections of three feed-forward blocks.
* Token embeddings are stored in int8, a scale per row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]

WEIGHT_MAX = 63  # 7 bits, symmetric
SMOOTHING = 0.7  # alpha of SmoothQuant
REACH = 99.999  # percentile of the calibration values that the 8 bits span
MAX_ERROR = 0.2  # relative Frobenius error of a product above which it stays in float
EMBEDDING_ROWS = 1024  # a gathered table at least this long is stored in int8
CONTRIB = "com.microsoft"


@dataclass(frozen=True, kw_only=True)
class InputScale:
    """How the input of a product is rounded to uint8: round(x / smoothing / scale) + zero."""

    smoothing: Floats  # (d,)
    scale: np.float32
    zero: int

    def round_trip(self, x: Floats) -> Floats:
        """What of x, (n, d), is left after rounding, smoothing still applied."""
        rounded = np.clip(np.round(x / self.smoothing / self.scale) + self.zero, 0, 255)
        return np.asarray((rounded - self.zero) * self.scale, np.float32)


def quantise(
    source: Path, target: Path, windows: Iterable[dict[str, NDArray[np.int64]]]
) -> list[str]:
    """Write the int8 graph of ``source``, calibrated on ``windows`` (inputs by name).

    Returns one line per product that stays in float, with its error.
    """
    model = onnx.load(source)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    products = _products(model, constants)
    inputs = _record_inputs(model, sorted({node.input[0] for node in products}), windows)
    rewriter = _Rewriter(constants)
    kept: list[str] = []
    scales: dict[str, InputScale] = {}
    for name, x in inputs.items():
        weights = [rewriter.constant(n.input[1]) for n in products if n.input[0] == name]
        scales[name] = input_scale(x, np.concatenate(weights, axis=1))
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants:
            name, weight = node.input[0], rewriter.constant(node.input[1])
            error = product_error(inputs[name], weight, scales[name])
            if error > MAX_ERROR:
                kept.append(f"{node.input[1]} {weight.shape}: relative error {error:.3f}")
                rewriter.keep(node)
            else:
                rewriter.multiply(node, scales[name])
        elif node.op_type == "Gather" and _is_table(constants.get(node.input[0])):
            rewriter.gather(node)
        else:
            rewriter.keep(node)
    rewriter.write(model, target)
    return kept


def input_scale(x: Floats, weight: Floats) -> InputScale:
    """Choose smoothing, scale and zero point for inputs x (n, d) of ``x @ weight`` (d, m)."""
    reach = np.maximum(np.percentile(np.abs(x), 99.9, axis=0), 1e-4)
    weight_reach = np.maximum(np.abs(weight).max(axis=1), 1e-5)
    smoothing = reach**SMOOTHING / weight_reach ** (1 - SMOOTHING)
    smoothing = (smoothing / np.exp(np.log(smoothing).mean())).astype(np.float32)
    smooth = x / smoothing
    low = min(float(np.percentile(smooth, 100 - REACH)), 0.0)
    high = max(float(np.percentile(smooth, REACH)), 0.0)
    scale = np.float32(max(high - low, 1e-6) / 255)
    return InputScale(
        smoothing=smoothing, scale=scale, zero=int(np.clip(round(-low / scale), 0, 255))
    )


def round_weight(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Round (d, m) to 7 bits with a scale per column."""
    scale = np.maximum(np.abs(weight).max(axis=0), 1e-9) / WEIGHT_MAX
    rounded = np.clip(np.round(weight / scale), -WEIGHT_MAX, WEIGHT_MAX)
    return rounded.astype(np.int8), scale.astype(np.float32)


def product_error(x: Floats, weight: Floats, scale: InputScale) -> float:
    """Relative Frobenius error of the rounded product, on a sample of the rows of x."""
    sample = x[:: max(1, len(x) // 4000)]
    rounded, columns = round_weight(weight * scale.smoothing[:, None])
    exact = sample @ weight
    found = scale.round_trip(sample) @ (rounded * columns)
    return float(np.linalg.norm(found - exact) / max(float(np.linalg.norm(exact)), 1e-9))


def _products(model: Any, constants: dict[str, Any]) -> list[Any]:
    return [n for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in constants]


def _is_table(tensor: Any) -> bool:
    return tensor is not None and len(tensor.dims) == 2 and tensor.dims[0] >= EMBEDDING_ROWS


def _record_inputs(
    model: Any, names: list[str], windows: Iterable[dict[str, NDArray[np.int64]]]
) -> dict[str, Floats]:
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: dict[str, list[Floats]] = {name: [] for name in names}
    for window in windows:
        for name, value in zip(names, session.run(names, window), strict=True):
            found[name].append(value.reshape(-1, value.shape[-1]))
    return {name: np.concatenate(values) for name, values in found.items()}


class _Rewriter:
    """Collects the nodes and constants of the int8 graph."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self._constants = constants
        self._nodes: list[Any] = []
        self._added: dict[str, Any] = {}

    def constant(self, name: str) -> Floats:
        array: Floats = numpy_helper.to_array(self._constants[name])
        return array

    def keep(self, node: Any) -> None:
        self._nodes.append(node)

    def multiply(self, node: Any, scale: InputScale) -> None:
        """Put QuantizeLinear and an integer product in the place of a MatMul."""
        x, weight = node.input[0], node.input[1]
        if f"{x}_u8" not in self._added:
            self._round_input(x, scale)
        rounded, columns = round_weight(self.constant(weight) * scale.smoothing[:, None])
        inputs = [
            f"{x}_u8",
            self._add(f"{weight}_i8", rounded),
            f"{x}_scale",
            self._add(f"{weight}_scale", columns),
            f"{x}_zero",
        ]
        self._make("MatMulIntegerToFloat", inputs, node.output[0], domain=CONTRIB)

    def _round_input(self, x: str, scale: InputScale) -> None:
        shrink = self._add(f"{x}_shrink", (1 / scale.smoothing).astype(np.float32))
        self._make("Mul", [x, shrink], f"{x}_smooth")
        unit = self._add(f"{x}_scale", np.array(scale.scale, np.float32))
        zero = self._add(f"{x}_zero", np.array(scale.zero, np.uint8))
        self._make("QuantizeLinear", [f"{x}_smooth", unit, zero], f"{x}_u8")
        self._added[f"{x}_u8"] = None

    def gather(self, node: Any) -> None:
        """Store a table in int8, a scale per row, and multiply what is looked up."""
        table, out = node.input[0], node.output[0]
        rows = self.constant(table)
        scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-9) / 127
        stored = self._add(f"{table}_i8", np.round(rows / scale).astype(np.int8))
        scales = self._add(f"{table}_scale", scale.astype(np.float32))
        self._make("Gather", [stored, node.input[1]], f"{out}_i8")
        self._make("Gather", [scales, node.input[1]], f"{out}_scale")
        self._make("Cast", [f"{out}_i8"], f"{out}_float", to=TensorProto.FLOAT)
        self._make("Mul", [f"{out}_float", f"{out}_scale"], out)

    def _add(self, name: str, array: NDArray[Any]) -> str:
        self._added[name] = numpy_helper.from_array(array, name)
        return name

    def _make(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def write(self, model: Any, target: Path) -> None:
        used = {name for node in self._nodes for name in node.input}
        constants = [t for t in self._constants.values() if t.name in used]
        constants += [t for t in self._added.values() if t is not None]
        del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
        model.graph.node.extend(self._nodes)
        model.graph.initializer.extend(constants)
        model.opset_import.append(helper.make_opsetid(CONTRIB, 1))
        onnx.save(model, target)
