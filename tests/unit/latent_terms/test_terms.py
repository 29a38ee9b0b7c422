from __future__ import annotations

from collections.abc import Mapping

import pytest

from latent_terms import LatentTerms, SpellingError

TERMS = LatentTerms({"t17": 3, "t902": 1, "t0": 2})


def test_spelling_repeats_each_term_as_often_as_it_counts() -> None:
    assert TERMS.spell() == "t17 t17 t17 t902 t0 t0"


def test_spelling_with_frequencies_says_each_term_once() -> None:
    assert TERMS.spell_frequencies() == "t17|3 t902|1 t0|2"


@pytest.mark.parametrize("spelled", [TERMS.spell(), TERMS.spell_frequencies()])
def test_both_spellings_read_back_with_their_order(spelled: str) -> None:
    assert list(LatentTerms.parse(spelled).items()) == list(TERMS.items())


def test_a_term_that_comes_back_later_counts_on() -> None:
    assert LatentTerms.parse("t1 t2 t1|4\n t2") == {"t1": 5, "t2": 2}


def test_nothing_spells_nothing() -> None:
    assert LatentTerms().spell() == LatentTerms().spell_frequencies() == ""
    assert LatentTerms.parse(" \n") == LatentTerms() == {}


@pytest.mark.parametrize(
    "wrong", ["17", "T17", "t", "t017", "t-1", "t1|0", "t1|", "t1|-2", "t١", "cat"]
)
def test_what_is_no_spelling_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(SpellingError, match="is not a latent term") as caught:
        LatentTerms.parse(f"t5 {wrong}")
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize("term", ["17", "t017", "t1|2", "t1 t2", ""])
def test_terms_are_checked_when_made(term: str) -> None:
    with pytest.raises(SpellingError, match="is not a latent term"):
        LatentTerms({term: 1})


@pytest.mark.parametrize("frequency", [0, -1, 1.5])
def test_frequencies_are_checked_when_made(frequency: int) -> None:
    with pytest.raises(SpellingError, match="frequency of t3"):
        LatentTerms({"t3": frequency})


def test_it_is_a_mapping_equal_to_a_dict_and_hashable() -> None:
    assert isinstance(TERMS, Mapping)
    assert TERMS == {"t17": 3, "t902": 1, "t0": 2}
    assert TERMS["t17"] == 3 and "t5" not in TERMS and len(TERMS) == 3
    assert {TERMS: "found"}[LatentTerms({"t0": 2, "t902": 1, "t17": 3})] == "found"


def test_it_cannot_be_changed() -> None:
    given = {"t1": 1}
    terms = LatentTerms(given)
    given["t2"] = 2
    assert terms == {"t1": 1}
    with pytest.raises(TypeError):
        terms["t1"] = 5  # type: ignore[index]
    with pytest.raises(AttributeError):
        terms.extra = 5  # type: ignore[attr-defined]


def test_latents_are_numbers_in_order_of_importance() -> None:
    assert TERMS.latents == (17, 902, 0)


def test_the_heaviest_are_the_first() -> None:
    assert list(TERMS.heaviest(2)) == ["t17", "t902"]
    assert TERMS.heaviest(0) == {} and TERMS.heaviest(9) == TERMS
    with pytest.raises(ValueError, match="n is -1"):
        TERMS.heaviest(-1)


def test_it_shows_as_the_code_that_makes_it() -> None:
    assert eval(repr(TERMS)) == TERMS
