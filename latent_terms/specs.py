"""The settings in a model's manifest, and reading them from JSON without guessing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

POOLINGS = ("mean", "cls")

Spec = TypeVar("Spec")


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """The dense retriever whose token states are read, and how texts are given to it."""

    name: str
    revision: str
    sha256: str
    dimensions: int
    layer: int
    max_tokens: int
    pooling: str
    query_prefix: str
    document_prefix: str

    def __post_init__(self) -> None:
        _at_least(1, dimensions=self.dimensions, max_tokens=self.max_tokens)
        _at_least(0, layer=self.layer)
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is {self.pooling!r}: it must be one of {POOLINGS}")


@dataclass(frozen=True, kw_only=True)
class SaeSpec:
    """The dictionary: its size, and how many latents a token activates."""

    n_latents: int
    document_k: int
    query_k: int

    def __post_init__(self) -> None:
        _at_least(1, n_latents=self.n_latents, document_k=self.document_k, query_k=self.query_k)
        if max(self.document_k, self.query_k) > self.n_latents:
            raise ValueError(f"k is above n_latents, {self.n_latents}: it must not be")


@dataclass(frozen=True, kw_only=True)
class TermsSpec:
    """From activations to frequencies; a limit of 0 terms is no limit."""

    document_scale: float
    query_scale: float
    max_document_terms: int
    max_query_terms: int

    def __post_init__(self) -> None:
        _at_least(
            0, max_document_terms=self.max_document_terms, max_query_terms=self.max_query_terms
        )
        for scale in (self.document_scale, self.query_scale):
            if not (scale > 0 and math.isfinite(scale)):
                raise ValueError(f"a scale is {scale}: it must be above 0")


def read_spec(cls: type[Spec], data: object, what: str) -> Spec:
    """A dataclass of plain values from its JSON object.

    Raises ValueError for a missing key, an unknown key, a value of another type or out of range.
    """
    fields = checked_fields(cls, data, what)
    hints = get_type_hints(cls)
    return cls(**{key: typed(fields[key], kind, f"{what}.{key}") for key, kind in hints.items()})


def checked_fields(cls: type, data: object, what: str) -> dict[str, Any]:
    """``data`` if it is an object with exactly the fields of the dataclass, else ValueError."""
    if not isinstance(data, dict):
        raise ValueError(f"{what} is {data!r}: it must be an object")
    names = get_type_hints(cls)
    missing = [name for name in names if name not in data]
    unknown = [name for name in data if name not in names]
    if missing or unknown:
        raise ValueError(f"{what} lacks the keys {missing} and has the unknown keys {unknown}")
    return data


def typed(value: object, kind: type, what: str) -> Any:
    """``value`` if it is of exactly this type, else ValueError; an integer serves as a float."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{what} is {value!r}: it must be of type {kind.__name__}")
    return value


def _at_least(minimum: int, **values: int) -> None:
    for name, value in values.items():
        if value < minimum:
            raise ValueError(f"{name} is {value}: it must be {minimum} or more")
