"""Why there is no server."""

from __future__ import annotations

WHAT_HELPS = (
    "apt-get install openjdk-21-jdk-headless maven, or set JAVA_HOME, "
    "or use Docker (docs/developing.md, Servers)"
)


class Missing(Exception):
    """Java, Maven or the artefacts are not there: tests are skipped, under CI they fail."""


class ServerError(Exception):
    """A server that did not start; the end of its log is in the message."""
