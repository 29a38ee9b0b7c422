"""Token states of the training text: computed once, kept on disk, read back mixed.

``states/`` holds one pair of files a shard: ``00017.states.npy`` (n, d) float16 and
``00017.ends.npy``, where each passage of the shard ends. A shard is written whole or not at all,
so an interrupted run goes on behind the last one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_terms.backbone import Backbone
from latent_terms.errors import LatentTermsError
from latent_terms.pipeline import run_windows
from latent_terms.windows import Batch, read_windows

States = NDArray[np.float16]  # (n, d)

SHARD_PASSAGES = 2048


class StateCache:
    """The shards of one corpus, one backbone."""

    def __init__(self, folder: Path, *, key: str) -> None:
        """``key``: whatever the states depend on; a folder with another key is refused.

        Raises LatentTermsError when the folder holds states of something else.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / "cache.json"
        if not note.exists():
            note.write_text(json.dumps({"key": key}), encoding="utf-8")
        elif json.loads(note.read_text(encoding="utf-8"))["key"] != key:
            raise LatentTermsError(
                f"{folder} holds states of another backbone or other text: "
                "delete it, or train into another folder"
            )

    def shards(self) -> list[Path]:
        """Finished shards in order."""
        return sorted(self.folder.glob("*.states.npy"))

    def count_tokens(self) -> int:
        """States in all finished shards."""
        return sum(len(np.load(shard, mmap_mode="r")) for shard in self.shards())

    def fill(
        self,
        texts: Iterable[str],
        backbone: Backbone,
        *,
        prefix: str,
        max_tokens: int,
        token_budget: int,
        threads: int,
        progress: Callable[[int], None],
    ) -> None:
        """Add shards until ``token_budget`` states are there or the texts are over."""
        shards = self.shards()
        tokens = self.count_tokens()
        progress(tokens)
        remaining = iter(islice(texts, len(shards) * SHARD_PASSAGES, None))
        number = len(shards)
        with ThreadPoolExecutor(threads) as pool:
            while tokens < token_budget:
                passages = list(islice(remaining, SHARD_PASSAGES))
                if not passages:
                    break
                found = list(read_states(passages, backbone, prefix, max_tokens, pool))
                added = self._write(number, found)
                tokens += added
                number += 1
                progress(added)

    def _write(self, number: int, passages: list[States]) -> int:
        states = np.concatenate(passages)
        ends = np.cumsum([len(p) for p in passages])
        # The ends go first: a shard counts as finished once its states have their name.
        shard = self.folder / f"{number:05d}.states.npy"
        np.save(_ends(shard), ends)
        unfinished = shard.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            np.save(file, states)
        os.replace(unfinished, shard)
        return len(states)


def read_shard(shard: Path) -> tuple[States, NDArray[np.int64]]:
    """States (n, d) of a shard, mapped into memory, and where each passage ends (passages,)."""
    return np.load(shard, mmap_mode="r"), np.load(_ends(shard))


def _ends(shard: Path) -> Path:
    return shard.with_name(shard.name.replace(".states.", ".ends."))


def read_states(
    texts: Sequence[str],
    backbone: Backbone,
    prefix: str,
    max_tokens: int,
    pool: ThreadPoolExecutor,
) -> Iterator[States]:
    """States (n, d) of each text's tokens, special tokens and prefix left out."""
    frame = backbone.frame(prefix)

    def run(batch: Batch) -> list[States]:
        states = backbone.states(batch.input_ids, batch.attention_mask).astype(np.float16)
        return [rows[content] for rows, content in zip(states, batch.content, strict=True)]

    parts: list[States] = []
    windows = read_windows(texts, backbone.tokenize, max_tokens - frame.size, lead=frame.lead)
    for window, states in run_windows(windows, frame, run, pool):
        if states is not None:
            parts.append(states)
        if window.ends_text:
            yield np.concatenate(parts) if parts else _no_states(backbone)
            parts = []


def _no_states(backbone: Backbone) -> States:
    frame = backbone.frame("")
    ids = np.array([[*frame.head, *frame.tail]], np.int64)
    return backbone.states(ids, np.ones_like(ids))[0, :0].astype(np.float16)


def mixed_batches(
    shards: Sequence[Path], *, batch_tokens: int, buffer_shards: int, seed: int, skip: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Batches (batch_tokens, d) of states mixed over the passages of several shards, one epoch.

    Several shards are held in memory and drawn from in random order (a mixing buffer: SAELens,
    ``mixing_buffer``); the same seed gives the same batches. The first ``skip`` are left out.
    The states that do not fill a last batch are dropped.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(shards))
    rest: NDArray[np.float16] | None = None
    for start in range(0, len(order), buffer_shards):
        group = [np.load(shards[i], mmap_mode="r") for i in order[start : start + buffer_shards]]
        mixed = np.concatenate(group if rest is None else [rest, *group])
        rows = random.permutation(len(mixed))
        whole = len(rows) - len(rows) % batch_tokens
        for first in range(0, whole, batch_tokens):
            if skip > 0:
                skip -= 1
            else:
                yield mixed[rows[first : first + batch_tokens]].astype(np.float32)
        rest = mixed[rows[whole:]]
