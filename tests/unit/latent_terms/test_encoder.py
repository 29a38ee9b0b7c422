from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from latent_terms import LatentTerms, ModelFolderError, TermEncoder, load
from latent_terms.testing import hash_encoder
from latent_terms.windows import CHUNK_WINDOWS

from .model_folder import (
    DOCUMENT_K,
    MAX_TOKENS,
    N_LATENTS,
    PASSAGES,
    QUERY_K,
    WORDS,
    build,
    sae_weights,
    word_states,
)

CLS, SEP = 2, 3
WORDY = ["the", "a", "cat", "cats", "dog", "sat", "on", "mat", "wing", "lift", "drag", "flow", "猫"]
IDF = np.log1p((PASSAGES - 30 * np.arange(N_LATENTS) + 0.5) / (30 * np.arange(N_LATENTS) + 0.5))


def texts(count: int, *, longest: int = 40) -> list[str]:
    rng = np.random.default_rng(count)
    return [" ".join(rng.choice(WORDY, rng.integers(0, longest))) for _ in range(count)]


def weights_by_hand(text: str, k: int, *, prefix: str = "") -> np.ndarray:
    """w of every latent, straight from the model's definition; text is words of the vocabulary."""
    head = [CLS, *(WORDS.index(word) for word in prefix.split())]
    ids = [WORDS.index(word) for word in text.split()]
    size = MAX_TOKENS - len(head) - 1
    sums = np.zeros(N_LATENTS)
    for window in np.array_split(ids, -(-len(ids) // size)) if ids else []:
        rows = word_states()[[*head, *window, SEP]].astype(np.float64)
        states = (rows + 0.1 * rows.mean(0))[len(head) : -1]
        for values in states @ sae_weights():
            strongest = np.argsort(-values)[:k]
            sums[strongest] += np.maximum(values[strongest], 0)
    return np.sqrt(sums)


def terms_by_hand(weights: np.ndarray, importance: np.ndarray, scale: float) -> list[tuple]:
    frequencies = np.floor(weights * scale + 0.5).astype(int)
    order = [n for n in np.argsort(-importance, kind="stable") if frequencies[n]]
    return [(f"t{n}", frequencies[n]) for n in order]


@pytest.mark.parametrize("text", ["cat", "the cat sat on the mat", " ".join(WORDY[:12] * 9)])
def test_document_terms_are_those_of_the_definition(encoder: TermEncoder, text: str) -> None:
    (terms,) = encoder.encode_documents([text])
    weights = weights_by_hand(text, DOCUMENT_K)
    assert list(terms.items()) == terms_by_hand(weights, weights, 2.0)


@pytest.mark.parametrize("text", ["cat", "the cat sat on the mat", " ".join(WORDY[:12] * 9)])
def test_query_terms_are_those_of_the_definition(encoder: TermEncoder, text: str) -> None:
    weights = weights_by_hand(text, QUERY_K)
    expected = terms_by_hand(weights, weights * IDF, 2.0)
    assert list(encoder.encode_query(text).items()) == expected


def test_a_query_prefix_frames_every_window_and_gives_no_terms(tmp_path: Path) -> None:
    build(tmp_path, query_prefix="query : ")
    prefixed = load(tmp_path)
    text = " ".join(WORDY[:12] * 2)
    weights = weights_by_hand(text, QUERY_K, prefix="query :")
    expected = terms_by_hand(weights, weights * IDF, 2.0)
    assert list(prefixed.encode_query(text).items()) == expected
    assert prefixed.encode_query("") == {}


def test_the_manifest_limits_terms_and_scales_both_sides(
    tmp_path: Path, encoder: TermEncoder
) -> None:
    build(tmp_path, document_scale=4.0, query_scale=1.0, max_document_terms=16, max_query_terms=2)
    limited = load(tmp_path)
    text = "the cat sat on the mat"
    weights = weights_by_hand(text, DOCUMENT_K)
    (terms,) = limited.encode_documents([text])
    assert list(terms.items()) == terms_by_hand(weights, weights, 4.0)[:3]  # 16 x sqrt(6 / 256)
    assert len(limited.encode_query(text)) == 2 < len(encoder.encode_query(text))


@pytest.mark.parametrize("text", ["", " ", "\n\t  \u3000", "\u200b" * 0])
def test_a_text_without_words_has_no_terms_and_a_vector_of_zeros(
    encoder: TermEncoder, text: str
) -> None:
    assert list(encoder.encode_documents([text, "cat", text]))[::2] == [{}, {}]
    assert encoder.encode_query(text) == {}
    (vector,) = encoder.embed_documents([text])
    assert not vector.any()


def test_no_texts_give_nothing(encoder: TermEncoder) -> None:
    assert list(encoder.encode_documents([])) == list(encoder.encode_queries(iter(()))) == []


@pytest.mark.parametrize("word", ["猫", "кот", "🙂", "é"])
def test_other_scripts_and_emoji_are_words_like_any_other(encoder: TermEncoder, word: str) -> None:
    unknown, known = encoder.encode_documents(["zebra", word])
    assert known and known != unknown
    assert encoder.encode_query(f"{word} {word}").latents[0] in known.latents


def test_a_lone_surrogate_counts_as_a_question_mark(encoder: TermEncoder) -> None:
    broken, plain = encoder.encode_documents(["cat \ud83d sat", "cat ? sat"])
    assert broken == plain != {}
    assert encoder.encode_query("\udfff cat") == encoder.encode_query("? cat")


def test_control_characters_and_a_word_without_end_are_survived(encoder: TermEncoder) -> None:
    assert len(list(encoder.encode_documents(["cat\0sat\x1b[1m", "x" * 200_000, "\ufeffcat"]))) == 3


@pytest.mark.parametrize("wrong", [3, None, b"cat", ["cat"]])
def test_what_is_not_text_is_refused_by_position(encoder: TermEncoder, wrong: str) -> None:
    for method in (encoder.encode_documents, encoder.encode_queries, encoder.embed_documents):
        with pytest.raises(TypeError, match="text 2 is of type"):
            list(method(["cat", "dog", wrong]))
    with pytest.raises(TypeError, match="text 0 is of type"):
        encoder.encode_query(wrong)


def test_one_text_in_place_of_several_is_refused(encoder: TermEncoder) -> None:
    with pytest.raises(TypeError, match="one str"):
        list(encoder.encode_documents("cat"))


def test_order_is_kept_whatever_the_lengths(encoder: TermEncoder) -> None:
    given = texts(700)
    expected = [encode_alone(encoder, text) for text in given]
    assert [list(terms.items()) for terms in encoder.encode_documents(given)] == expected


def encode_alone(encoder: TermEncoder, text: str) -> list[tuple[str, int]]:
    (terms,) = encoder.encode_documents([text])
    return list(terms.items())


def test_a_text_gets_the_same_vector_to_the_bit_beside_any_neighbours(
    encoder: TermEncoder,
) -> None:
    given = texts(60)
    vectors = list(encoder.embed_documents(given))
    backwards = list(encoder.embed_documents(reversed(given)))[::-1]
    alone = [next(encoder.embed_documents([text])) for text in given]
    assert np.array_equal(vectors, backwards) and np.array_equal(vectors, alone)


def test_terms_and_vectors_read_together_are_those_read_apart(encoder: TermEncoder) -> None:
    several = ["", *texts(600, longest=3 * MAX_TOKENS), "\u3000"]  # of no, one and more windows
    terms, vectors = zip(*encoder.read_documents(iter(several)), strict=True)
    assert list(terms) == list(encoder.encode_documents(several))
    assert np.array_equal(vectors, list(encoder.embed_documents(several)))


def test_vectors_are_the_mean_state_of_the_first_window(encoder: TermEncoder) -> None:
    ids = [CLS, *(WORDS.index(word) for word in WORDY[: MAX_TOKENS - 2]), SEP]
    expected = word_states()[ids].mean(0)
    (vector,) = encoder.embed_queries([" ".join(WORDY)])
    assert vector.dtype == np.float32
    assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_cls_pooling_takes_the_first_state(tmp_path: Path) -> None:
    build(tmp_path, pooling="cls")
    ids = [CLS, WORDS.index("cat"), SEP]
    expected = word_states()[CLS] + 0.1 * word_states()[ids].mean(0)
    (vector,) = load(tmp_path).embed_documents(["cat"])
    assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_texts_are_read_a_bounded_number_ahead(encoder: TermEncoder) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        for count in itertools.count(1):
            read = count
            yield "cat sat"

    results = encoder.encode_documents(endless())
    assert read == 0
    for _ in range(5):
        next(results)
    assert 0 < read <= CHUNK_WINDOWS
    for _ in range(3 * CHUNK_WINDOWS):
        next(results)
    assert read <= 4 * CHUNK_WINDOWS + 5


def test_a_megabyte_is_encoded_whole_in_bounded_memory() -> None:
    encoder = hash_encoder(threads=2)
    text = "lift " * 299_999 + "drag"
    (lift,), (drag,) = (list(encoder.encode_documents([word])) for word in ("lift", "drag"))
    tracemalloc.start()
    (terms,) = encoder.encode_documents([text])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(terms) == set(lift) | set(drag)
    assert next(iter(terms.values())) == round((4 * 299_999) ** 0.5)
    assert peak < 20 * len(text)


def test_threads_share_an_encoder(encoder: TermEncoder) -> None:
    given = texts(80)
    expected = list(encoder.encode_documents(given))
    queries = [encoder.encode_query(text) for text in given]

    def work(_: int) -> tuple[list[LatentTerms], list[LatentTerms]]:
        return list(encoder.encode_documents(given)), [encoder.encode_query(t) for t in given]

    with ThreadPoolExecutor(6) as pool:
        assert all(found == (expected, queries) for found in pool.map(work, range(12)))


def test_threads_must_be_positive(pristine: Path) -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        load(pristine, threads=0)


def test_a_prefix_that_leaves_no_room_for_text_is_refused(tmp_path: Path) -> None:
    build(tmp_path, max_tokens=4, query_prefix="query : the cat")
    with pytest.raises(ModelFolderError, match="fills all 4 tokens"):
        load(tmp_path)
