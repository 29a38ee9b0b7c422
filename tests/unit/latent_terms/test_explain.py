from __future__ import annotations

import pytest

from latent_terms import LatentTerms, SharedTerm, TermEncoder, explain

from .model_folder import vocabulary

QUERY = LatentTerms({"t3": 2, "t9": 1, "t1": 1})
DOCUMENT = LatentTerms({"t1": 4, "t3": 1, "t20": 7})


def test_shared_terms_come_with_labels_and_the_engines_shares(encoder: TermEncoder) -> None:
    shared = explain(encoder, QUERY, DOCUMENT, scores={"t3": 1.0, "t1": 3.0})
    label = vocabulary()[1].label
    assert shared[0] == SharedTerm(
        term="t1",
        label=label,
        family="narrow",
        query_frequency=1,
        document_frequency=4,
        share=0.75,
    )
    assert [(match.term, match.share) for match in shared] == [("t1", 0.75), ("t3", 0.25)]


def test_without_scores_shares_are_estimated_by_bm25(encoder: TermEncoder) -> None:
    shared = explain(encoder, QUERY, DOCUMENT)
    idf = encoder.vocabulary.idf
    scores = {"t3": 2 * idf[3] * 1 / 2.2, "t1": 1 * idf[1] * 4 / 5.2}
    whole = sum(scores.values())
    assert {match.term: match.share for match in shared} == pytest.approx(
        {term: score / whole for term, score in scores.items()}
    )
    assert shared[0].share >= shared[1].share


def test_texts_without_a_shared_term_share_nothing(encoder: TermEncoder) -> None:
    assert explain(encoder, QUERY, LatentTerms({"t4": 1})) == []
    assert explain(encoder, LatentTerms(), DOCUMENT, scores={"t1": 2.0}) == []


def test_a_term_the_engine_did_not_score_has_no_share(encoder: TermEncoder) -> None:
    shared = explain(encoder, QUERY, DOCUMENT, scores={"t3": 0.5})
    assert [(match.term, match.share) for match in shared] == [("t3", 1.0), ("t1", 0.0)]
