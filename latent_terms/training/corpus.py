"""The training text: files with one passage a line, plain or .gz."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from latent_terms.errors import LatentTermsError


def read_passages(files: Sequence[Path]) -> Iterator[str]:
    """Lines of all files in order, without white space around them; empty ones are left out.

    Raises LatentTermsError for a file that is not UTF-8 text.
    """
    for file in files:
        opened = gzip.open if file.suffix == ".gz" else open
        try:
            with opened(file, "rt", encoding="utf-8") as lines:
                yield from (text for text in map(str.strip, lines) if text)
        except (UnicodeDecodeError, gzip.BadGzipFile) as exc:
            raise LatentTermsError(
                f"{file} is not UTF-8 text, plain or .gz ({exc}): give one passage a line"
            ) from exc


def identify(files: Sequence[Path]) -> str:
    """A hash of the files' contents, hex."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
