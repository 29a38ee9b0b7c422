from __future__ import annotations

import numpy as np
import pytest

from latent_terms.windows import (
    BATCH_AREA,
    CHUNK_WINDOWS,
    Frame,
    Window,
    balanced,
    batches,
    chunks,
    pieces,
    read_windows,
)

FRAME = Frame((101, 7), (102,))


def window(length: int) -> Window:
    return Window(np.arange(1, length + 1), ends_text=False)


@pytest.mark.parametrize("text", ["", "short", "a b " * 50, "x" * 99, "ab\ncd " * 20 + "y" * 40])
def test_pieces_join_up_to_the_text(text: str) -> None:
    cut = list(pieces(text, 16))
    assert "".join(cut) == text
    assert all(len(piece) <= 16 for piece in cut)


def test_pieces_never_cut_a_word_that_fits() -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven"]
    cut = list(pieces(" ".join(words), 12))
    assert [word for piece in cut for word in piece.split()] == words
    assert all(piece.startswith(" ") for piece in cut[1:])


def test_windows_are_consecutive_and_balanced() -> None:
    ids = np.arange(25)
    cut = balanced(ids, 10)
    assert np.concatenate(cut).tolist() == ids.tolist()
    assert [len(part) for part in cut] == [9, 8, 8]
    assert [len(part) for part in balanced(np.arange(10), 10)] == [10]
    assert balanced(np.arange(0), 10) == []


def test_every_text_ends_with_a_window_even_an_empty_one() -> None:
    windows = list(read_windows(["abc", "", "d"], lambda text: np.array([*map(ord, text)], int), 2))
    assert [(len(w.ids), w.ends_text) for w in windows] == [
        (2, False),
        (1, False),
        (0, True),
        (0, True),
        (1, False),
        (0, True),
    ]


def test_chunks_are_bounded_in_windows_and_in_tokens() -> None:
    many = [len(chunk) for chunk in chunks(window(1) for _ in range(CHUNK_WINDOWS + 3))]
    assert many == [CHUNK_WINDOWS, 3]
    long = [len(chunk) for chunk in chunks(window(10_000) for _ in range(5))]
    assert long == [2, 2, 1]


def test_a_batch_holds_framed_windows_of_one_padded_length() -> None:
    (batch,) = batches([window(3), window(0), window(2)], FRAME)
    assert batch.positions == [0, 2]
    assert batch.input_ids.tolist() == [[101, 7, 1, 2, 3, 102, 0, 0], [101, 7, 1, 2, 102, 0, 0, 0]]
    assert batch.attention_mask.tolist() == [[1] * 6 + [0] * 2, [1] * 5 + [0] * 3]
    assert batch.content.tolist() == [
        [False, False, True, True, True, False, False, False],
        [False, False, True, True, False, False, False, False],
    ]


def test_batches_stay_within_the_padded_area_and_lose_no_window() -> None:
    lengths = np.random.default_rng(0).integers(1, 254, 300).tolist()
    made = list(batches([window(length) for length in lengths], FRAME))
    assert sorted(p for batch in made for p in batch.positions) == list(range(300))
    assert all(batch.input_ids.size <= BATCH_AREA for batch in made)
    padded = sum(batch.input_ids.size for batch in made)
    assert padded < 1.1 * sum(lengths)


def test_a_window_longer_than_the_area_has_a_batch_of_its_own() -> None:
    (batch,) = batches([window(BATCH_AREA + 1)], FRAME)
    assert batch.positions == [0]


def test_the_padded_length_of_a_window_does_not_depend_on_its_neighbours() -> None:
    together = list(batches([window(3), window(40), window(20)], FRAME))
    (alone,) = batches([window(20)], FRAME)
    assert alone.input_ids.shape[1] in {batch.input_ids.shape[1] for batch in together}
    assert len(together) == 3
