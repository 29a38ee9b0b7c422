"""The engines that must keep the contract: a server joins by adding an address here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from adapters import Engine, Schema, connect
from adapters.errors import IndexMissing

FINGERPRINT = "3f9a1c0b77de"
SERVERS = ("elasticsearch", "opensearch")


@pytest.fixture(
    params=["embedded", *(pytest.param(name, marks=pytest.mark.engine) for name in SERVERS)]
)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An address with no index at it."""
    if request.param == "embedded":
        yield str(tmp_path / "index")
        return
    url = request.getfixturevalue(f"{request.param}_url")
    address = f"{url}/contract-{uuid.uuid4().hex[:12]}"
    yield address
    with connect(address) as engine, suppress(IndexMissing):
        engine.drop()


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
