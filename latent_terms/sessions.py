"""Opening the ONNX files of a model folder."""

from __future__ import annotations

import os

import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from latent_terms.errors import ModelFolderError

_NOT_A_MODEL = (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)


def open_session(
    path: str | os.PathLike[str], *, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> ort.InferenceSession:
    """Open a model on one CPU thread: parallelism is over batches, which measured faster.

    Raises ModelFolderError when the file is not a model with these inputs and outputs.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
    except _NOT_A_MODEL as exc:
        raise ModelFolderError(
            f"{os.fspath(path)} is not an ONNX model that onnxruntime {ort.__version__} can run: "
            "build the model folder again, or upgrade onnxruntime"
        ) from exc
    found = {i.name for i in session.get_inputs()}, {o.name for o in session.get_outputs()}
    if found != (set(inputs), set(outputs)):
        raise ModelFolderError(
            f"{os.fspath(path)} has inputs {sorted(found[0])} and outputs {sorted(found[1])}, not "
            f"{sorted(inputs)} and {sorted(outputs)}: build the model folder again"
        )
    return session
