"""The file of documents that could not be indexed or filled, with the reasons."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self


class DeadLetters:
    """JSON lines of where, reason and document; there is no file while there are none.

    What an earlier run left under the name is replaced, or removed where there are none now. Where
    the earlier letters are what is being indexed (`is_read`), that happens when all of them have
    been tried again, and not when the run ends by an error.
    """

    def __init__(self, path: Path, *, is_read: bool = False) -> None:
        self.path = path
        self.count = 0
        self._is_read = is_read
        self._written = path.with_name(f"{path.name}.new") if is_read else path
        self._file: IO[str] | None = None

    def write(self, *, where: str, reason: str, document: Any) -> None:
        if self._file is None:
            self._file = self._written.open("w", encoding="utf-8")
        letter = {"where": where, "reason": reason, "document": document}
        self._file.write(json.dumps(letter) + "\n")
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
        if exc_type is not None:
            return
        if self._file is None:
            self.path.unlink(missing_ok=True)
        elif self._is_read:
            self._written.replace(self.path)
