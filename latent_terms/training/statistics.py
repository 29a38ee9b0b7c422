"""What the latents of a new model do on the training text: frequencies, words, families."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from latent_terms.pooling import document_terms, sums_by_window
from latent_terms.sae import Sae, SparseCodes
from latent_terms.training.states import SHARD_PASSAGES, read_shard
from latent_terms.vocabulary import Family, Latent

LABEL_WORDS = 5
LABEL_SHARE = 0.02  # of a latent's activation that a word must hold to be in its label

# By the number of surface forms that share a latent's activation, exp(entropy): one word and its
# odd neighbour, a handful of forms of one concept, or a topic.
LEXICAL_FORMS, NARROW_FORMS = 2.0, 10.0


@dataclass(frozen=True, kw_only=True)
class LatentStatistics:
    """Counts over the passages read, per latent where an array."""

    passages: int
    document_frequency: NDArray[np.int64]  # passages that have the term
    collection_frequency: NDArray[np.int64]  # sum of its frequencies
    labels: list[tuple[str, ...]]
    families: list[Family]
    terms_per_passage: float

    def without(self, dropped: NDArray[np.bool_]) -> LatentStatistics:
        """The same statistics with some latents gone."""
        lost = int(self.document_frequency[dropped].sum())
        return replace(
            self,
            document_frequency=np.where(dropped, 0, self.document_frequency),
            collection_frequency=np.where(dropped, 0, self.collection_frequency),
            families=["dead" if d else f for d, f in zip(dropped, self.families, strict=True)],
            terms_per_passage=self.terms_per_passage - lost / max(1, self.passages),
        )

    def latents(self) -> Iterator[Latent]:
        """Rows of the vocabulary."""
        rows = zip(self.document_frequency.tolist(), self.labels, self.families, strict=True)
        for df, label, family in rows:
            yield Latent(df, label, family)


def read_statistics(
    shards: Sequence[Path],
    texts: Iterator[str],
    sae: Sae,
    tokenizer: Tokenizer,
    *,
    k: int,
    n_latents: int,
    scale: float,
    limit: int,
    progress: Callable[[int], None],
) -> LatentStatistics:
    """Encode the cached states of ``shards``, whose passages ``texts`` gives in order."""
    counts = np.zeros((2, n_latents), np.int64)
    words = _Words(n_latents)
    passages = 0
    for shard in shards:
        chunk = list(islice(texts, SHARD_PASSAGES))
        states, ends = read_shard(shard)
        codes = sae.encode(states.astype(np.float32)).strongest(k)
        owners = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        for sums in sums_by_window(codes, owners, len(ends)):
            terms = document_terms(sums, scale, limit)
            counts[0, list(terms.latents)] += 1
            counts[1, list(terms.latents)] += list(terms.values())
        words.add(codes, chunk, ends, tokenizer)
        passages += len(ends)
        progress(len(ends))
    labels, families = words.describe()
    return LatentStatistics(
        passages=passages,
        document_frequency=counts[0],
        collection_frequency=counts[1],
        labels=labels,
        families=["dead" if df == 0 else f for df, f in zip(counts[0], families, strict=True)],
        terms_per_passage=float(counts[0].sum() / max(1, passages)),
    )


class _Words:
    """Activation of every latent on every word, summed up."""

    def __init__(self, n_latents: int) -> None:
        self._n_latents = n_latents
        self._numbers: dict[str, int] = {}
        self._keys = np.zeros(0, np.int64)  # latent in the high bits, word in the low ones
        self._sums: NDArray[np.float64] = np.zeros(0)

    def add(
        self,
        codes: SparseCodes,
        texts: Sequence[str],
        ends: NDArray[np.int64],
        tokenizer: Tokenizer,
    ) -> None:
        numbers = np.concatenate(
            [
                self._word_numbers(text, tokenizer, int(length))
                for text, length in zip(texts, np.diff(ends, prepend=0), strict=True)
            ]
        )
        active = (codes.values > 0) & (numbers >= 0)[:, None]
        keys = ((codes.indices << 32) + numbers[:, None])[active]
        all_keys = np.concatenate([self._keys, keys])
        all_values = np.concatenate([self._sums, codes.values[active]])
        self._keys, places = np.unique(all_keys, return_inverse=True)
        self._sums = np.bincount(places, all_values).astype(np.float64)

    def _word_numbers(self, text: str, tokenizer: Tokenizer, length: int) -> NDArray[np.int64]:
        """The number of the whole word that each token is part of; -1 when they do not align."""
        encoding = tokenizer.encode(text, add_special_tokens=False)
        if len(encoding) != length:
            return np.full(length, -1)
        spans: dict[int | None, tuple[int, int]] = {}
        for word, (start, stop) in zip(encoding.word_ids, encoding.offsets, strict=True):
            first, last = spans.get(word, (start, stop))
            spans[word] = (min(first, start), max(last, stop))
        number = {w: self._number(text[a:b].strip().lower()) for w, (a, b) in spans.items()}
        return np.array([number[word] for word in encoding.word_ids], np.int64)

    def _number(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers))

    def describe(self) -> tuple[list[tuple[str, ...]], list[Family]]:
        """Strongest words and family of each latent."""
        names = list(self._numbers)
        bounds = np.searchsorted(self._keys, np.arange(self._n_latents + 1) << 32)
        labels: list[tuple[str, ...]] = []
        families: list[Family] = []
        for first, last in zip(bounds[:-1], bounds[1:], strict=True):
            shares = self._sums[first:last] / max(self._sums[first:last].sum(), 1e-12)
            strongest = np.argsort(-shares, kind="stable")[:LABEL_WORDS]
            chosen = [i for n, i in enumerate(strongest) if n == 0 or shares[i] >= LABEL_SHARE]
            labels.append(tuple(names[self._keys[first + i] & 0xFFFFFFFF] for i in chosen))
            families.append(_family(shares))
        return labels, families


def _family(shares: NDArray[np.float64]) -> Family:
    if not len(shares):
        return "dead"
    forms = float(np.exp(-(shares * np.log(np.maximum(shares, 1e-12))).sum()))
    if forms <= LEXICAL_FORMS:
        return "lexical"
    return "narrow" if forms <= NARROW_FORMS else "broad"
