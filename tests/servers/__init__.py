"""Real OpenSearch and Elasticsearch on loopback, put together from what Maven Central serves.

    with start("elasticsearch", version="8.19.13") as server:
        print(server.url)

`python -m tests.servers start | stop | status` does the same for servers that stay.
"""

from __future__ import annotations

from .errors import Missing, ServerError
from .server import Server, start
from .shared import running

__all__ = ["Missing", "Server", "ServerError", "running", "start"]
