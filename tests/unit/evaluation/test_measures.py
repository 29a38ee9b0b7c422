from __future__ import annotations

import sys
from math import log2

import pytest

from latent_terms.evaluation import EvalExtraMissing, measure


def test_binary_judgements_by_hand() -> None:
    values = measure({"q 1": ["x", "a a", "b"]}, {"q 1": {"a a": 1, "b": 1}})

    dcg, ideal = 1 / log2(3) + 1 / log2(4), 1 + 1 / log2(3)
    assert values["ndcg@10"]["q 1"] == pytest.approx(dcg / ideal)
    assert values["recall@10"]["q 1"] == 1
    assert values["mrr@10"]["q 1"] == 1 / 2


def test_graded_judgements_gain_their_grade_as_in_trec_eval() -> None:
    values = measure({"q": ["b", "a"]}, {"q": {"a": 2, "b": 1, "c": 0}})

    assert values["ndcg@10"]["q"] == pytest.approx((1 + 2 / log2(3)) / (2 + 1 / log2(3)))


def test_cutoffs_are_at_10_and_100() -> None:
    filler = [f"x{i}" for i in range(200)]
    run = {"q": [*filler[:10], "a", *filler[10:99], "b"]}  # a at rank 11, b at rank 101
    values = measure(run, {"q": {"a": 1, "b": 1}})

    assert values["ndcg@10"]["q"] == values["recall@10"]["q"] == values["mrr@10"]["q"] == 0
    assert values["recall@100"]["q"] == 1 / 2


def test_the_order_of_the_run_counts_whatever_the_ids() -> None:
    qrels = {"q": {"m": 1}}

    assert measure({"q": ["m", "a", "z"]}, qrels)["mrr@10"]["q"] == 1
    assert measure({"q": ["z", "a", "m"]}, qrels)["mrr@10"]["q"] == pytest.approx(1 / 3)


def test_a_query_that_found_nothing_or_is_absent_counts_zero() -> None:
    qrels = {"found": {"a": 1}, "empty": {"a": 1}, "absent": {"a": 1}}
    values = measure({"found": ["a"], "empty": []}, qrels)

    for by_query in values.values():
        assert by_query == {"found": 1, "empty": 0, "absent": 0}


def test_a_missing_extra_is_a_sentence_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)

    with pytest.raises(EvalExtraMissing, match=r"pip install 'latent-terms\[eval\]'"):
        measure({}, {})
