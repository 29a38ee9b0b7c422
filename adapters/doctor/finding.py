"""What an examination of a cluster says: a judgement, a sentence, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..server.request import ServerRequest

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """`warn`: search works, and something is amiss; `fail`: something will not work."""

    check: str
    """One word: what was looked at."""
    level: Level
    sentence: str
    requests: tuple[ServerRequest, ...] = ()
    """Mend it, sent in this order."""
    remedy: str | None = None
    """What to do, where that is not a request: a command or a sentence."""

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "level": self.level,
            "sentence": self.sentence,
            "requests": [request.to_json() for request in self.requests],
            "remedy": self.remedy,
        }
