"""Spans of passages, read as queries: the training pairs of the second stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from latent_terms.backbone import Backbone
from latent_terms.training.states import (
    SHARD_PASSAGES,
    StateCache,
    States,
    read_shard,
    read_states,
)

SHORTEST, LONGEST = 5, 24  # tokens of a span
MIN_PASSAGE_TOKENS = 32


class Span(NamedTuple):
    """Tokens [start, stop) of a passage and their text."""

    start: int
    stop: int
    text: str


class Passage(NamedTuple):
    """States of a passage, and of one of its spans encoded by itself as a query."""

    states: States  # (n, d)
    span: NDArray[np.int64]  # start, stop
    span_states: States  # (m, d)

    def without_span(self) -> States:
        """States of the tokens outside the span."""
        return np.concatenate([self.states[: self.span[0]], self.states[self.span[1] :]])


def choose_span(text: str, tokenizer: Tokenizer, random: np.random.Generator) -> Span | None:
    """A random span that begins and ends with a word; None if the passage is too short."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    words = np.array([-1 if w is None else w for w in encoding.word_ids])
    if len(words) < MIN_PASSAGE_TOKENS:
        return None
    length = int(random.integers(SHORTEST, min(LONGEST, len(words) // 2) + 1))
    first = int(random.integers(0, len(words) - length + 1))
    start = int(np.argmax(words == words[first]))
    stop = len(words) - int(np.argmax(words[::-1] == words[first + length - 1]))
    return Span(start, stop, text[encoding.offsets[start][0] : encoding.offsets[stop - 1][1]])


def write_spans(
    cache: StateCache,
    texts: Iterator[str],
    backbone: Backbone,
    tokenizer: Tokenizer,
    *,
    prefix: str,
    max_tokens: int,
    passages: int,
    threads: int,
    seed: int,
    progress: Callable[[int], None],
) -> None:
    """Choose and encode a span of each passage of the first shards, shard by shard."""
    with ThreadPoolExecutor(threads) as pool:
        for number, shard in enumerate(cache.shards()[: -(-passages // SHARD_PASSAGES)]):
            chunk = list(islice(texts, SHARD_PASSAGES))
            target = shard.with_name(f"{number:05d}.spans.npz")
            if not target.exists():
                random = np.random.default_rng([seed, number])
                spans = [choose_span(text, tokenizer, random) for text in chunk]
                _write_shard(target, spans, backbone, prefix, max_tokens, pool)
            progress(len(chunk))


def _write_shard(
    target: Path,
    spans: Sequence[Span | None],
    backbone: Backbone,
    prefix: str,
    max_tokens: int,
    pool: ThreadPoolExecutor,
) -> None:
    texts = [span.text if span else "" for span in spans]
    states = list(read_states(texts, backbone, prefix, max_tokens, pool))
    unfinished = target.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            spans=np.array([(s.start, s.stop) if s else (0, 0) for s in spans], np.int64),
            states=np.concatenate(states),
            ends=np.cumsum([len(s) for s in states]),
        )
    os.replace(unfinished, target)


def read_pairs(cache: StateCache, *, seed: int) -> Iterator[Passage]:
    """Passages that have a span, shard by shard, mixed within each."""
    for number, shard in enumerate(cache.shards()):
        found = shard.with_name(f"{number:05d}.spans.npz")
        if not found.exists():
            return
        states, ends = read_shard(shard)
        with np.load(found) as file:
            spans, span_states, span_ends = file["spans"], file["states"], file["ends"]
        for i in np.random.default_rng([seed, number]).permutation(len(ends)):
            start, stop = (0 if i == 0 else int(ends[i - 1])), int(ends[i])
            first, last = (0 if i == 0 else int(span_ends[i - 1])), int(span_ends[i])
            if last > first and spans[i][1] <= stop - start:
                yield Passage(states[start:stop], spans[i], span_states[first:last])
