"""When a cluster is under so much pressure that a back-fill waits."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.backfill.pressure import is_pressed

# as OpenSearch 3.6.0 and Elasticsearch 9.4.3 answer
IDLE: dict[str, Any] = {
    "thread_pool": {"write": {"threads": 2, "queue": 0, "active": 0, "rejected": 0}},
    "indexing_pressure": {"memory": {"current": {"all_in_bytes": 0}, "limit_in_bytes": 100_000}},
}


def with_queue(tasks: int) -> dict[str, Any]:
    return IDLE | {"thread_pool": {"write": {"threads": 2, "queue": tasks}}}


def with_memory(held: int) -> dict[str, Any]:
    memory = {"current": {"all_in_bytes": held}, "limit_in_bytes": 100_000}
    return IDLE | {"indexing_pressure": {"memory": memory}}


@pytest.mark.parametrize(
    ("node", "pressed"),
    [
        (IDLE, False),
        (with_queue(40), False),
        (with_queue(41), True),
        (with_memory(50_000), False),
        (with_memory(50_001), True),
        ({}, False),
    ],
)
def test_one_node_with_a_long_queue_or_full_memory_is_enough(
    node: dict[str, Any], pressed: bool
) -> None:
    assert is_pressed({"nodes": {"a": IDLE, "b": node}}) is pressed


def test_a_cluster_that_says_nothing_is_not_under_pressure() -> None:
    assert not is_pressed({})
