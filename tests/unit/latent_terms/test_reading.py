from __future__ import annotations

import numpy as np
import pytest

from latent_terms import TermEncoder
from latent_terms.pooling import Sums
from latent_terms.reading import Reading, TextReader

TEXTS = ["cat", "the cat sat on the mat", " ".join(["the cat sat on a wing"] * 9)]


def read_alone(reader: TextReader, text: str) -> list[Reading]:
    """Every window in a batch of its own."""
    windows = reader.windows(text)
    return [
        reading
        for window in windows
        for reading in reader.read([window], terms=True, vectors=True, pooled=True)
    ]


def sums(readings: list[Reading]) -> list[Sums]:
    return [reading.sums for reading in readings if reading.sums is not None]


@pytest.mark.parametrize("text", TEXTS)
def test_windows_read_one_by_one_give_the_terms_of_the_encoder(
    encoder: TermEncoder, text: str
) -> None:
    for reader, expected in [
        (encoder.documents, next(encoder.encode_documents([text]))),
        (encoder.queries, encoder.encode_query(text)),
    ]:
        found = reader.terms(sums(read_alone(reader, text)))
        assert list(found.items()) == list(expected.items()) != []


def test_a_window_gives_the_same_beside_others_of_its_padded_length(encoder: TermEncoder) -> None:
    reader = encoder.documents
    windows = [next(reader.windows(text)) for text in ("cat sat", "a wing has", "the dog")]
    together = reader.read(windows, terms=True, vectors=True)
    for window, reading in zip(windows, together, strict=True):
        (alone,) = reader.read([window], terms=True, vectors=True)
        assert alone.vectors is not None and reading.vectors is not None
        assert np.array_equal(alone.vectors, reading.vectors)
        assert alone.vectors.shape == (len(window), 16)
        assert sums([alone]) and np.array_equal(sums([alone])[0].values, sums([reading])[0].values)


def test_vectors_are_of_length_1_and_point_where_the_states_do(encoder: TermEncoder) -> None:
    (reading,) = read_alone(encoder.documents, "the cat sat")
    assert reading.vectors is not None and reading.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(reading.vectors, axis=1), 1, atol=1e-6)


def test_the_pooled_vector_of_the_first_window_is_the_embedding(encoder: TermEncoder) -> None:
    reader, text = encoder.documents, TEXTS[2]
    (reading,) = reader.read([reader.first_window(text)], pooled=True)
    assert np.array_equal(reading.pooled, next(encoder.embed_documents([text])))
    assert reading.sums is None and reading.vectors is None


def test_windows_are_cut_as_they_are_asked_for(encoder: TermEncoder) -> None:
    windows = encoder.documents.windows("cat sat " * 1_000_000)
    first = next(windows)
    assert 0 < len(first) <= encoder.documents.room


def test_a_text_without_words_has_no_windows(encoder: TermEncoder) -> None:
    assert list(encoder.documents.windows(" \n")) == []
    assert encoder.documents.terms([]) == {}


def test_windows_of_two_padded_lengths_or_without_tokens_are_refused(encoder: TermEncoder) -> None:
    reader = encoder.documents
    short, long = next(reader.windows("cat")), next(reader.windows("cat " * 9))
    with pytest.raises(ValueError, match="give windows of one"):
        reader.read([short, long], terms=True)
    with pytest.raises(ValueError, match="not empty"):
        reader.read([short[:0]], terms=True)
    with pytest.raises(ValueError):
        reader.read([], terms=True)


def test_token_vectors_are_those_of_the_windows_in_order(encoder: TermEncoder) -> None:
    found = list(encoder.token_vectors([*TEXTS, ""]))
    for text, vectors in zip(TEXTS, found, strict=False):
        parts = [each.vectors for each in read_alone(encoder.documents, text)]
        assert np.array_equal(vectors, np.concatenate([part for part in parts if part is not None]))
    assert found[-1].shape == (0, 16) and found[-1].dtype == np.float32
    (query,) = read_alone(encoder.queries, TEXTS[1])
    assert np.array_equal(encoder.query_token_vectors(TEXTS[1]), query.vectors)
