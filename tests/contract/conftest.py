"""The engines that must keep the contract: a server joins by adding an address here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from adapters import Engine, Schema, connect
from adapters.errors import IndexMissing

FINGERPRINT = "3f9a1c0b77de"
SERVERS = ("elasticsearch", "opensearch")


@pytest.fixture(
    scope="session",
    params=["embedded", *(pytest.param(name, marks=pytest.mark.engine) for name in SERVERS)],
)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the indexes of one engine are: a folder, or the address of a server."""
    if request.param == "embedded":
        return str(tmp_path_factory.mktemp("engines"))
    return str(request.getfixturevalue(f"{request.param}_url"))


@contextmanager
def new_address(place: str) -> Iterator[str]:
    """An address with no index at it; what is made there is removed."""
    address = f"{place}/contract-{uuid.uuid4().hex[:12]}"
    yield address
    with connect(address) as engine, suppress(IndexMissing):
        engine.drop()


@pytest.fixture
def address(place: str) -> Iterator[str]:
    with new_address(place) as address:
        yield address


@pytest.fixture(scope="session")
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
