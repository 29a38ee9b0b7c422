"""Sparse autoencoder, serving side: token states in, the few active latents of each token out."""

from __future__ import annotations

import os
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from latent_terms.sessions import open_session

# Tokens at a time: bounds the dense activations (16 MB at 16,384 latents) at no cost in speed.
_ROWS = 256


class SparseCodes(NamedTuple):
    """Active latents of n tokens, strongest first; a value of 0 marks an unused place."""

    values: NDArray[np.float32]  # (n, K), 0 or more
    indices: NDArray[np.int64]  # (n, K)

    def strongest(self, k: int) -> SparseCodes:
        """The ``k`` strongest latents of each token."""
        return SparseCodes(self.values[:, :k], self.indices[:, :k])


class Sae(Protocol):
    """What the term encoder needs of a sparse autoencoder."""

    def encode(self, states: NDArray[np.float32], /) -> SparseCodes:
        """Codes of the token states (n, dimensions); n is 1 or more."""
        ...


class OnnxSae:
    """The ``sae.onnx`` of a model folder; ``k``: active latents of a token."""

    def __init__(self, path: str | os.PathLike[str], *, dimensions: int, k: int) -> None:
        self._session = open_session(
            path, inputs={"states": dimensions}, outputs={"values": k, "indices": k}
        )

    def encode(self, states: NDArray[np.float32], /) -> SparseCodes:
        parts = [
            self._session.run(["values", "indices"], {"states": states[i : i + _ROWS]})
            for i in range(0, len(states), _ROWS)
        ]
        values, indices = zip(*parts, strict=True)
        return SparseCodes(np.concatenate(values), np.concatenate(indices))
