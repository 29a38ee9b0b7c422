"""Opening the ONNX files of a model folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from latent_terms.errors import ModelFolderError

if TYPE_CHECKING:
    import onnxruntime as ort


def open_session(
    path: str | os.PathLike[str],
    *,
    inputs: Mapping[str, int | None],
    outputs: Mapping[str, int | None],
) -> ort.InferenceSession:
    """Open a model on one CPU thread: running batches side by side measured faster.

    ``inputs``, ``outputs``: the size of the last axis by name (None: any). Raises ModelFolderError
    when the file is not a model with exactly these.
    """
    import onnxruntime as ort  # once a model is opened: `latent-terms --help` does without
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    not_a_model = (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only
    try:
        session = ort.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except not_a_model as exc:
        raise ModelFolderError(
            f"{os.fspath(path)} is not an ONNX model that onnxruntime {ort.__version__} can run: "
            "build the model folder again, or upgrade onnxruntime"
        ) from exc
    _check(path, "inputs", inputs, session.get_inputs())
    _check(path, "outputs", outputs, session.get_outputs())
    return session


def _check(
    path: str | os.PathLike[str],
    kind: str,
    expected: Mapping[str, int | None],
    found: Sequence[ort.NodeArg],
) -> None:
    sizes = {arg.name: arg.shape[-1] if expected.get(arg.name) else None for arg in found}
    if sizes != dict(expected):
        raise ModelFolderError(
            f"{os.fspath(path)} has the {kind} {sizes}, but its manifest needs {dict(expected)} "
            "(name and size of the last axis): build the model folder again"
        )
