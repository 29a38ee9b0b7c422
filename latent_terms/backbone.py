"""The dense retriever, serving side: texts to token ids, token ids to states."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import Tokenizer

from latent_terms.errors import ModelFolderError
from latent_terms.sessions import open_session
from latent_terms.windows import Frame, TokenIds


class Backbone(Protocol):
    """What the term encoder needs of a dense retriever; thread-safe."""

    def tokenize(self, text: str, /) -> TokenIds:
        """Token ids of the text without special tokens; text has no lone surrogates."""
        ...

    def frame(self, prefix: str, /) -> Frame:
        """The special tokens and the prefix that every window is put between."""
        ...

    def states(self, input_ids: TokenIds, attention_mask: TokenIds, /) -> NDArray[np.float32]:
        """States (B, L, dimensions) of padded windows (B, L); those of padding mean nothing."""
        ...


class OnnxBackbone:
    """The ``tokenizer.json`` and ``backbone.onnx`` of a model folder."""

    def __init__(
        self,
        *,
        tokenizer: str | os.PathLike[str],
        model: str | os.PathLike[str],
        dimensions: int,
    ) -> None:
        self._tokenizer = _read_tokenizer(Path(tokenizer))
        self._session = open_session(
            model,
            inputs={"input_ids": None, "attention_mask": None},
            outputs={"states": dimensions},
        )

    def tokenize(self, text: str, /) -> TokenIds:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array(encoding.ids, np.int64)

    def frame(self, prefix: str, /) -> Frame:
        probe = self._tokenizer.encode("a")
        special = probe.special_tokens_mask
        if all(special):
            raise ModelFolderError('tokenizer.json finds no token in "a": give it an unknown token')
        first, last = special.index(0), len(special) - special[::-1].index(0)
        words = prefix.rstrip()
        head = probe.ids[:first] + self.tokenize(words).tolist()
        return Frame(tuple(head), tuple(probe.ids[last:]), lead=prefix[len(words) :])

    def states(self, input_ids: TokenIds, attention_mask: TokenIds, /) -> NDArray[np.float32]:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        states: NDArray[np.float32] = self._session.run(["states"], inputs)[0]
        return states


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # tokenizers raises nothing more precise
        raise ModelFolderError(
            f"{path} is not a tokenizer that tokenizers {tokenizers.__version__} can read ({exc}): "
            "build the model folder again, or upgrade tokenizers"
        ) from exc
    # Some files have truncation and padding baked in; windows are cut and padded here.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
