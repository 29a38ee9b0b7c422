"""Sparse autoencoder, serving side: token states in, the few active latents of each token out."""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latent_terms.sessions import open_session


class SparseCodes(NamedTuple):
    """Active latents of n tokens, strongest first; a value of 0 marks an unused place."""

    values: NDArray[np.float32]  # (n, K), 0 or more
    indices: NDArray[np.int64]  # (n, K)


class Sae(Protocol):
    """What the term encoder needs of a sparse autoencoder."""

    def encode(self, states: NDArray[np.float32], /) -> SparseCodes:
        """Codes of the token states (n, dimensions); n is 1 or more."""
        ...


class OnnxSae:
    """The ``sae.onnx`` of a model folder."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._session = open_session(path, inputs=("states",), outputs=("values", "indices"))

    def encode(self, states: NDArray[np.float32], /) -> SparseCodes:
        values, indices = self._session.run(["values", "indices"], {"states": states})
        return SparseCodes(values, indices)
