"""The file of documents that could not be indexed."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from latent_terms.commands.readers import Rejected


class RejectedFile:
    """JSON lines of where, reason and document; there is no file while nothing was rejected.

    What an earlier run left under the name is replaced, or removed when nothing is rejected now.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None

    def write(self, rejected: Rejected) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        line = {"where": rejected.where, "reason": rejected.reason, "document": rejected.raw}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif exc_type is None:
            self.path.unlink(missing_ok=True)
