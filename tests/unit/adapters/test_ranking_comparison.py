from __future__ import annotations

import pytest

from adapters.migration.ranking import overlap, rank_biased_overlap


@pytest.mark.parametrize(
    ("first", "second", "k", "expected"),
    [
        ("abc", "abc", 3, 1.0),
        ("abc", "cab", 3, 1.0),
        ("abcd", "xbyd", 2, 0.5),
        ("abc", "xyz", 3, 0.0),
        ("abcd", "ab", 4, 0.5),
        ("a", "a", 10, 1.0),
        ("", "abc", 3, 0.0),
        ("", "", 3, 1.0),
    ],
)
def test_overlap_is_the_share_of_the_first_k_in_both(
    first: str, second: str, k: int, expected: float
) -> None:
    assert overlap(first, second, k=k) == overlap(second, first, k=k) == expected


def test_overlap_needs_a_depth() -> None:
    with pytest.raises(ValueError, match="k is 0"):
        overlap("a", "a", k=0)


def test_equal_rankings_agree_wholly_and_disjoint_ones_not_at_all() -> None:
    assert rank_biased_overlap("abcdef", "abcdef") == pytest.approx(1)
    assert rank_biased_overlap("abc", "xyz") == 0
    assert rank_biased_overlap("", "") == 1
    assert rank_biased_overlap("", "abc") == 0


def test_two_of_two_hits_exchanged() -> None:
    # depth 1 shares 0 of 1, depth 2 and all below 2 of 2: what is left is p
    assert rank_biased_overlap("ab", "ba", persistence=0.8) == pytest.approx(0.8)


def test_a_change_at_the_top_weighs_more_than_one_at_the_end() -> None:
    top = rank_biased_overlap("abcdefghij", "xbcdefghij")
    end = rank_biased_overlap("abcdefghij", "abcdefghix")
    assert top < end < 1


def test_rankings_of_different_length_follow_the_published_formula() -> None:
    # X_1 = 1, X_2 = 1, X_3 = 2 for s = 2, l = 3, worked out by hand with p = 0.5
    first, second = ["a", "b"], ["a", "c", "b"]
    seen = 1 * 0.5 + 1 / 2 * 0.25 + 2 / 3 * 0.125
    below = 1 * (3 - 2) / (2 * 3) * 0.125
    rest = ((2 - 1) / 3 + 1 / 2) * 0.125
    expected = (1 - 0.5) / 0.5 * (seen + below) + rest
    assert rank_biased_overlap(first, second, persistence=0.5) == pytest.approx(expected)
    assert rank_biased_overlap(second, first, persistence=0.5) == pytest.approx(expected)


def test_persistence_lies_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="persistence is 1"):
        rank_biased_overlap("a", "a", persistence=1.0)
