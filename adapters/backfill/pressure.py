"""Whether a cluster has so much to write that a background load should wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import AccessDenied, EngineUnavailable
from ..server.cluster import Cluster

MOST_QUEUED_FOR_A_THREAD = 20
MOST_MEMORY = 0.5
"""Of what a node allows for documents under way; from 1.0 on it refuses them with 429."""

_ASKED = "/_nodes/stats/thread_pool,indexing_pressure"
_FILTER = "nodes.*.thread_pool.write,nodes.*.indexing_pressure.memory"
_SECONDS_BETWEEN_QUESTIONS = 5.0
_SECONDS_TO_WAIT = 1.0


class Pressure:
    """Asks the nodes every few seconds how long their write queues are.

    Where that is not allowed (it takes the cluster privilege `monitor`) `readable` turns False, and
    only the 429 of a node that is full holds a load back.
    """

    def __init__(self, cluster: Cluster, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._clock = clock
        self._next = 0.0
        self.readable = True

    def hold(self) -> float:
        """Seconds to wait before the next request; 0 while the nodes keep up."""
        if not self.readable or self._clock() < self._next:
            return 0.0
        try:
            answer = self._cluster.request("GET", _ASKED, params={"filter_path": _FILTER})
        except AccessDenied:
            self.readable = False
            return 0.0
        except EngineUnavailable:  # the load itself is told soon enough
            return 0.0
        if is_pressed(answer.body or {}):
            return _SECONDS_TO_WAIT
        self._next = self._clock() + _SECONDS_BETWEEN_QUESTIONS
        return 0.0


def is_pressed(stats: Mapping[str, Any]) -> bool:
    """Of an answer of `_nodes/stats`: whether any node has work piled up."""
    return any(map(_is_node_pressed, stats.get("nodes", {}).values()))


def _is_node_pressed(node: Mapping[str, Any]) -> bool:
    write = node.get("thread_pool", {}).get("write", {})
    if write.get("queue", 0) > MOST_QUEUED_FOR_A_THREAD * max(write.get("threads", 0), 1):
        return True
    memory = node.get("indexing_pressure", {}).get("memory", {})
    held = memory.get("current", {}).get("all_in_bytes", 0)
    return bool(held > MOST_MEMORY * memory.get("limit_in_bytes", float("inf")))
