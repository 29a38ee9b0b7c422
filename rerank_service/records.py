"""Token vectors of one document as bytes: what the store keeps and what a request may carry.

Kept in half precision: the loss is below what MaxSim can tell, and scores of fresh and of kept
vectors are equal because both went through here.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<4sBBHI")  # magic, number format, whole text read, dimensions, tokens
_MAGIC = b"LTV1"
_FLOAT16 = 1


class TokenVectors(NamedTuple):
    """The vectors of the first tokens of a document, or of all of them."""

    vectors: NDArray[np.float16]  # (tokens, dimensions)
    whole: bool

    def serves(self, tokens: int) -> bool:
        """Whether the first ``tokens`` tokens of the document are here."""
        return self.whole or len(self.vectors) >= tokens

    def first(self, tokens: int) -> TokenVectors:
        """At most so many tokens."""
        if len(self.vectors) <= tokens:
            return self
        return TokenVectors(self.vectors[:tokens], whole=False)


def key_of(text: str, fingerprint: str) -> bytes:
    """What a document's vectors are found by: 32 bytes over the model and the text."""
    digest = hashlib.blake2b(fingerprint.encode("ascii"), digest_size=32, person=b"latent-terms")
    digest.update(b"\n" + text.encode("utf-8", "replace"))
    return digest.digest()


def to_bytes(vectors: TokenVectors) -> bytes:
    tokens, dimensions = vectors.vectors.shape
    header = _HEADER.pack(_MAGIC, _FLOAT16, vectors.whole, dimensions, tokens)
    return header + vectors.vectors.astype("<f2").tobytes()


def from_bytes(record: bytes | memoryview, *, dimensions: int) -> TokenVectors | None:
    """None where the bytes are no record, or of vectors of other dimensions."""
    if len(record) < _HEADER.size:
        return None
    magic, kind, whole, size, tokens = _HEADER.unpack_from(record)
    length = _HEADER.size + 2 * size * tokens
    if (magic, kind, size, length) != (_MAGIC, _FLOAT16, dimensions, len(record)):
        return None
    halves = np.frombuffer(record, "<f2", offset=_HEADER.size).reshape(tokens, size)
    return TokenVectors(halves.astype(np.float16), bool(whole))  # a copy
