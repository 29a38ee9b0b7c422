"""An encoder without weights, for tests, documentation and trials of other parts.

Words are states drawn by hashing, so texts share latent terms as far as they share words. The
same texts give the same terms on every machine.
"""

from __future__ import annotations

import re
import zlib

import numpy as np
from numpy.typing import NDArray

from latent_terms.encoder import TermEncoder
from latent_terms.manifest import FORMAT_VERSION, Manifest
from latent_terms.sae import SparseCodes
from latent_terms.specs import BackboneSpec, SaeSpec, TermsSpec
from latent_terms.vocabulary import Latent, Vocabulary
from latent_terms.windows import Frame, TokenIds

_DIMENSIONS = 32
_N_LATENTS = 4096
_K = 4
_WORD = re.compile(r"\w+")


class HashBackbone:
    """A backbone whose state of a word is a pseudo-random vector of signs."""

    def tokenize(self, text: str, /) -> TokenIds:
        words = _WORD.findall(text.lower())
        return np.array([zlib.crc32(word.encode()) for word in words], np.int64)

    def frame(self, prefix: str, /) -> Frame:
        return Frame(tuple(self.tokenize(prefix).tolist()), ())

    def states(self, input_ids: TokenIds, attention_mask: TokenIds, /) -> NDArray[np.float32]:
        """The bits of the hashed word, 0 as -1."""
        bits = input_ids[..., None] >> np.arange(_DIMENSIONS) & 1
        return (bits * 2 - 1).astype(np.float32)


class HashSae:
    """A dictionary without weights: a state of signs activates ``k`` latents by hashing."""

    def encode(self, states: NDArray[np.float32], /) -> SparseCodes:
        """The first latent has value 4, the others 1: frequencies 2 and 1 for a word."""
        words = (states > 0) @ (1 << np.arange(_DIMENSIONS, dtype=np.int64))
        steps = 2 * (words >> 12) % _N_LATENTS + 1  # odd: the k latents of a word differ
        indices = (words[:, None] + steps[:, None] * np.arange(_K)) % _N_LATENTS
        values = np.ones(indices.shape, np.float32)
        values[:, 0] = 4
        return SparseCodes(values, indices)


def hash_encoder(*, threads: int | None = None) -> TermEncoder:
    """A TermEncoder of 4,096 latents that needs no model folder.

    >>> encoder = hash_encoder()
    >>> cat, cats = encoder.encode_documents(["the cat", "The cat! The cat!"])
    >>> set(cat) == set(cats)
    True
    """
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name="hash",
        languages=(),
        license="Apache-2.0",
        backbone=BackboneSpec(
            name="hash",
            revision="",
            sha256="",
            dimensions=_DIMENSIONS,
            layer=0,
            max_tokens=128,
            pooling="mean",
            query_prefix="",
            document_prefix="",
        ),
        sae=SaeSpec(n_latents=_N_LATENTS, document_k=_K, query_k=_K),
        terms=TermsSpec(
            document_scale=1.0, query_scale=1.0, max_document_terms=0, max_query_terms=0
        ),
        files={},
        fingerprint="0" * 12,
    )
    latents = [Latent(df=0, label=(), family="lexical")] * _N_LATENTS
    return TermEncoder(
        manifest=manifest,
        backbone=HashBackbone(),
        sae=HashSae(),
        vocabulary=Vocabulary(latents, documents=0),
        threads=threads,
    )
