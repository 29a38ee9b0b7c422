"""Texts of any length as windows of tokens, and windows as padded batches.

A long text is read in consecutive windows of about equal length, so nothing is cut off. The
padded length of a window depends on the window alone, never on its neighbours: a text gets the
same terms in every batch, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int64]

PIECE_CHARACTERS = 1 << 16  # tokenised at once: bounds memory on texts of any size
CHUNK_TOKENS = 1 << 14  # windows looked at together, to batch those of one length
CHUNK_WINDOWS = 512
BATCH_AREA = 512  # windows x padded length; speed is flat from 256 to 4096, memory is not
LENGTH_STEP = 8  # padded lengths are multiples of this


class Frame(NamedTuple):
    """What goes around every window: special tokens and the prefix of the text's kind.

    ``lead`` is the white space between prefix and text, to be put before a text is tokenised:
    byte-level tokenizers have other tokens for a word behind a space.
    """

    head: tuple[int, ...]
    tail: tuple[int, ...]
    lead: str = ""

    @property
    def size(self) -> int:
        """How many tokens the frame adds to a window."""
        return len(self.head) + len(self.tail)


class Window(NamedTuple):
    """Consecutive tokens of one text; it may have none."""

    ids: TokenIds
    ends_text: bool


class Batch(NamedTuple):
    """Framed windows, padded to one length L."""

    positions: list[int]  # of its windows in their chunk
    input_ids: TokenIds  # (B, L)
    attention_mask: TokenIds  # (B, L)
    content: NDArray[np.bool_]  # (B, L): neither frame nor padding


def pieces(text: str, size: int = PIECE_CHARACTERS) -> Iterator[str]:
    """Cut a long text before white space, or anywhere if there is none."""
    start = 0
    while len(text) - start > size:
        stop = start + size
        cut = max(text.rfind(" ", start + 1, stop), text.rfind("\n", start + 1, stop))
        stop = cut if cut > 0 else stop
        yield text[start:stop]
        start = stop
    yield text[start:]


def balanced(ids: TokenIds, size: int) -> list[TokenIds]:
    """Consecutive windows of at most ``size`` tokens whose lengths differ by at most one."""
    if not len(ids):
        return []
    return np.array_split(ids, -(-len(ids) // size))


def read_windows(
    texts: Iterable[str], tokenize: Callable[[str], TokenIds], size: int, *, lead: str = ""
) -> Iterator[Window]:
    """Windows of all texts in order, each text behind ``lead``; an empty window ends a text."""
    for text in texts:
        for piece in pieces(lead + text):
            for ids in balanced(tokenize(piece), size):
                yield Window(ids, ends_text=False)
        yield Window(np.zeros(0, np.int64), ends_text=True)


def first_windows(
    texts: Iterable[str], tokenize: Callable[[str], TokenIds], size: int, *, lead: str = ""
) -> Iterator[Window]:
    """The first ``size`` tokens of each text, behind ``lead``, as its only window."""
    for text in texts:
        yield Window(tokenize(next(pieces(lead + text)))[:size], ends_text=True)


def chunks(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Bounded runs of windows: how far the encoder looks ahead."""
    chunk: list[Window] = []
    tokens = 0
    for window in windows:
        chunk.append(window)
        tokens += len(window.ids)
        if tokens >= CHUNK_TOKENS or len(chunk) >= CHUNK_WINDOWS:
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk


def batches(chunk: Sequence[Window], frame: Frame) -> Iterator[Batch]:
    """Batches of windows with one padded length, longest first; windows without tokens drop."""
    by_length: dict[int, list[int]] = {}
    for position, window in enumerate(chunk):
        if len(window.ids):
            by_length.setdefault(padded_length(len(window.ids), frame), []).append(position)
    for length in sorted(by_length, reverse=True):
        positions = by_length[length]
        count = max(1, BATCH_AREA // length)
        for start in range(0, len(positions), count):
            part = positions[start : start + count]
            yield pad([chunk[p].ids for p in part], part, frame, length)


def padded_length(tokens: int, frame: Frame) -> int:
    """What a window of so many tokens takes up in a batch."""
    return -(-(tokens + frame.size) // LENGTH_STEP) * LENGTH_STEP


def pad(windows: Sequence[TokenIds], positions: list[int], frame: Frame, length: int) -> Batch:
    """Put each window into its frame, and padding (id 0, masked) behind."""
    shape = (len(windows), length)
    input_ids, attention_mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    content = np.zeros(shape, np.bool_)
    for row, ids in enumerate(windows):
        framed = np.concatenate([frame.head, ids, frame.tail]).astype(np.int64)
        input_ids[row, : len(framed)] = framed
        attention_mask[row, : len(framed)] = 1
        content[row, len(frame.head) : len(frame.head) + len(ids)] = True
    return Batch(positions, input_ids, attention_mask, content)
