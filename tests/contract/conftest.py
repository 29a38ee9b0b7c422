"""The engines that must keep the contract: a server joins by adding an address here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters import Engine, Schema, connect

FINGERPRINT = "3f9a1c0b77de"

# name -> where a test's index goes, given the test's own folder
ADDRESSES: dict[str, Callable[[Path], str]] = {
    "embedded": lambda folder: str(folder / "index"),
}


@pytest.fixture(params=sorted(ADDRESSES))
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address with no index at it."""
    return ADDRESSES[request.param](tmp_path)


@pytest.fixture
def schema() -> Schema:
    return Schema(
        text=("title", "body"),
        keyword=("tag",),
        number=("year",),
        date=("seen",),
        fingerprint=FINGERPRINT,
        model="tiny",
    )


@pytest.fixture
def new_engine(address: str) -> Iterator[Engine]:
    """Connected, and nothing created yet."""
    with connect(address) as engine:
        yield engine


@pytest.fixture
def engine(new_engine: Engine, schema: Schema) -> Engine:
    """An empty index of `schema`."""
    new_engine.create(schema)
    return new_engine
