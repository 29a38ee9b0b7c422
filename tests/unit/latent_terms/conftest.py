from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from latent_terms import TermEncoder, load

from .model_folder import build


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that no test may change."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    """A model folder to damage."""
    return Path(shutil.copytree(pristine, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def encoder(pristine: Path) -> TermEncoder:
    return load(pristine, threads=2)
