"""Latent terms: integer frequencies of latents, and how they are spelled for a search engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from latent_terms.errors import SpellingError

_TERM = re.compile(r"t(0|[1-9][0-9]*)", re.ASCII)
_SPELLED = re.compile(r"(t(?:0|[1-9][0-9]*))(?:\|([1-9][0-9]*))?", re.ASCII)


class LatentTerms(Mapping[str, int]):
    """Latent term to frequency, most important term first; immutable and hashable.

    >>> terms = LatentTerms({"t17": 3, "t902": 1})
    >>> terms.spell()
    't17 t17 t17 t902'
    >>> terms.spell_frequencies()
    't17|3 t902|1'
    >>> LatentTerms.parse("t17|3 t902|1") == LatentTerms.parse("t17 t17 t17 t902") == terms
    True
    """

    __slots__ = ("_frequencies", "_hash")

    def __init__(self, frequencies: Mapping[str, int] | Iterable[tuple[str, int]] = ()) -> None:
        self._frequencies = dict(frequencies)
        self._hash: int | None = None
        for term, frequency in self._frequencies.items():
            _check(term, frequency)

    @classmethod
    def from_latents(cls, latents: Iterable[int], frequencies: Iterable[int]) -> LatentTerms:
        """Latents by number, most important first, and their frequencies (1 or more)."""
        return cls((f"t{latent}", n) for latent, n in zip(latents, frequencies, strict=True))

    @classmethod
    def parse(cls, spelled: str) -> LatentTerms:
        """Read either spelling back, terms in order of first appearance.

        Raises SpellingError for anything that is not a latent term.
        """
        frequencies: dict[str, int] = {}
        for word in spelled.split():
            match = _SPELLED.fullmatch(word)
            if match is None:
                raise SpellingError(f'{word!r} is not a latent term: write "t17" or "t17|3"')
            term = match[1]
            frequencies[term] = frequencies.get(term, 0) + int(match[2] or 1)
        return cls(frequencies)

    @property
    def latents(self) -> tuple[int, ...]:
        """The numbers of the latents, most important first."""
        return tuple(int(term[1:]) for term in self._frequencies)

    def spell(self) -> str:
        """Every term as often as it counts: any whitespace analyser counts the frequencies."""
        return " ".join(" ".join([term] * n) for term, n in self._frequencies.items())

    def spell_frequencies(self) -> str:
        """Every term once with its frequency, for Lucene's ``delimited_term_freq`` filter."""
        return " ".join(f"{term}|{n}" for term, n in self._frequencies.items())

    def heaviest(self, n: int) -> LatentTerms:
        """The ``n`` most important terms."""
        if n < 0:
            raise ValueError(f"n is {n}: it must be 0 or more")
        return LatentTerms(list(self._frequencies.items())[:n])

    def __getitem__(self, term: str) -> int:
        return self._frequencies[term]

    def __iter__(self) -> Iterator[str]:
        return iter(self._frequencies)

    def __len__(self) -> int:
        return len(self._frequencies)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._frequencies.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"LatentTerms({self._frequencies!r})"


def _check(term: str, frequency: int) -> None:
    if not isinstance(term, str) or _TERM.fullmatch(term) is None:
        raise SpellingError(f'{term!r} is not a latent term: write "t" and the latent\'s number')
    if not isinstance(frequency, int) or frequency < 1:
        raise SpellingError(f"the frequency of {term} is {frequency!r}: it must be 1 or more")
