"""Where a model comes from: a shipped name, a folder, or the Hugging Face Hub."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from latent_terms.errors import ModelFolderError
from latent_terms.manifest import MANIFEST, MODEL_FILES

SHIPPED = Path(__file__).parent / "models"
_HUB = "hub:"
_HUB_ADDRESS = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^@\s]+))?", re.ASCII)


class ModelFolder(NamedTuple):
    """A model on this machine."""

    path: Path
    root: Path  # where links in it may lead


def resolve(source: str | os.PathLike[str]) -> ModelFolder:
    """Find the folder of a model, fetching it if it is on the Hub.

    A string is first a shipped name, then a folder; ``hub:org/name`` or ``hub:org/name@revision``
    is fetched once and kept in the Hub's own cache. Raises ModelFolderError if there is no such
    model.
    """
    if isinstance(source, str) and source.startswith(_HUB):
        return _from_hub(source.removeprefix(_HUB))
    if isinstance(source, str) and source in shipped():
        return ModelFolder(SHIPPED / source, SHIPPED / source)
    path = Path(source)
    if os.fspath(source) and path.is_dir():
        return ModelFolder(path, path)
    raise ModelFolderError(
        f"there is no model {os.fspath(source)!r}: give a shipped name ({', '.join(shipped())}), "
        "a model folder, or hub:org/name"
    )


def shipped() -> list[str]:
    """Names of the models in this package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{MANIFEST}"))


def _from_hub(address: str) -> ModelFolder:
    match = _HUB_ADDRESS.fullmatch(address)
    if match is None:
        raise ModelFolderError(
            f"{_HUB + address!r} is not an address: write hub:org/name or hub:org/name@revision"
        )
    from huggingface_hub import snapshot_download  # half a second to import
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        path = Path(
            snapshot_download(
                match["repo"],
                revision=match["revision"],
                allow_patterns=[MANIFEST, *MODEL_FILES],
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as exc:
        raise ModelFolderError(
            f"{_HUB}{address} cannot be fetched ({type(exc).__name__}): check the name, the "
            "revision, the network, and HF_TOKEN for a private model"
        ) from exc
    # <cache>/models--org--name/snapshots/<commit>: its files are links to ../../blobs.
    return ModelFolder(path, path.parent.parent)
