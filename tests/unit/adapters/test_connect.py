"""Addresses, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import Schema, connect
from adapters.errors import UnsupportedAddress


@pytest.mark.parametrize(
    "address",
    ["opensearch://localhost:9200/x", "elasticsearch://h/x", "https://h:9200", "memory://", ""],
)
def test_an_address_that_is_not_a_path_is_refused(address: str) -> None:
    with pytest.raises(UnsupportedAddress, match="give the path of a folder"):
        connect(address)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnsupportedAddress, match="is a file"):
        connect(tmp_path / "file")


@pytest.mark.parametrize("name", ["plain", "with space", "日本", "a:b", "C:x"])
def test_strings_and_paths_lead_to_the_same_index(tmp_path: Path, name: str) -> None:
    with connect(tmp_path / name) as engine:
        engine.create(Schema(text=("text",)))
    with connect(str(tmp_path / name)) as engine:
        assert engine.count() == 0
