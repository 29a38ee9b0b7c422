"""Addresses, good and bad."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters import Schema, connect
from adapters.errors import UnsupportedAddress


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "give the path of a folder"),
        ("memory://", "memory:// is not known: give the path of a folder"),
        ("opensearch://h:9200", "names no index: write opensearch://h:9200/INDEX"),
        ("https://h", "names no index: write https://h:443/INDEX"),
        ("opensearch://h:99999/x", "'h:99999' is no host"),
        ("opensearch://h, /x", "' ' is no host"),
        ("opensearch:///x", "no address of a server"),
        ("https://h/x?pretty", "no address of a server"),
        ("elasticsearch://h/Books", "'Books' is no usable index name"),
        ("elasticsearch://h/logs-*", r"'logs-\*' is no usable index name"),
        ("elasticsearch://h/a,b", "'a,b'"),
        ("elasticsearch://h/_all", "'_all'"),
        ("elasticsearch://h/%20", "' '"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(address: str, message: str) -> None:
    with pytest.raises(UnsupportedAddress, match=message):
        connect(address)


@pytest.mark.parametrize("address", ["https://me:secret@h", "https://me:secret@h/A"])
def test_a_password_is_in_no_message(address: str) -> None:
    with pytest.raises(UnsupportedAddress) as caught:
        connect(address)
    assert "secret" not in str(caught.value)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnsupportedAddress, match="is a file"):
        connect(tmp_path / "file")


def test_credentials_for_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedAddress, match="credentials are for servers"):
        connect(tmp_path, api_key="x")


@pytest.mark.parametrize("name", ["plain", "with space", "日本", "a:b", "C:x"])
def test_strings_and_paths_lead_to_the_same_index(tmp_path: Path, name: str) -> None:
    with connect(tmp_path / name) as engine:
        engine.create(Schema(text=("text",)))
    with connect(str(tmp_path / name)) as engine:
        assert engine.count() == 0
