"""A request to a server as data: sent as it is, or shown to be copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


def index_path(index: str, action: str) -> str:
    """Of a request about one index, such as `_mapping`."""
    return f"/{quote(index, safe='')}/{action}"


@dataclass(frozen=True)
class ServerRequest:
    """Method and path, with a JSON body where there is one."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        """As the consoles of Kibana and OpenSearch Dashboards take it."""
        line = f"{self.method} {self.path}"
        if self.body is None:
            return line
        return f"{line}\n{json.dumps(self.body, indent=2, ensure_ascii=False)}"

    def to_json(self) -> dict[str, Any]:
        return {"method": self.method, "path": self.path, "body": self.body}
