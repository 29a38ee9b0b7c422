"""The model in the package keeps the promises that the tiny model of the other tests makes."""

from __future__ import annotations

import numpy as np
import pytest

from latent_terms import TermEncoder, load

PASSAGES = [
    "The wing stalls at a high angle of attack.",
    "Vaccines train the immune system to recognise a virus.",
    "La photosynthèse transforme la lumière en énergie.",
    "Der Motor läuft nicht, weil die Batterie leer ist.",
    "光合作用把光能转化为化学能。",
    "Крыло создаёт подъёмную силу.",
    "الجناح يولد قوة الرفع",
    "🙂🙃 ok 👍🏽",
    "stop",
    "word " * 700,
]


@pytest.fixture(scope="module")
def shipped() -> TermEncoder:
    return load("minilm-en")


def test_every_script_and_emoji_have_terms(shipped: TermEncoder) -> None:
    assert all(shipped.encode_documents(PASSAGES))
    assert all(shipped.encode_queries(PASSAGES))


def test_a_text_has_the_same_terms_beside_any_neighbours(shipped: TermEncoder) -> None:
    varied = [" ".join((PASSAGES[0] + PASSAGES[1]).split()[: n + 1]) for n in range(16)]
    texts = [*PASSAGES, *varied]
    together = [list(terms.items()) for terms in shipped.encode_documents(texts)]
    alone = [list(next(shipped.encode_documents([text])).items()) for text in texts]
    backwards = [list(terms.items()) for terms in shipped.encode_documents(texts[::-1])]
    assert together == alone == backwards[::-1]


def test_alike_texts_share_more_terms_and_point_the_same_way(shipped: TermEncoder) -> None:
    texts = ["How do vaccines work?", PASSAGES[1], PASSAGES[0]]
    query, near, far = (set(terms) for terms in shipped.encode_documents(texts))
    assert len(query & near) > len(query & far)
    vectors = list(shipped.embed_documents(texts))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])
