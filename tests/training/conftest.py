"""A tiny retriever and its text, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .training_data import write_retriever, write_text


@pytest.fixture(scope="session")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_retriever(tmp_path_factory.mktemp("retriever") / "tiny")


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text(tmp_path_factory.mktemp("text") / "passages.txt.gz", passages=600)
