"""Searches timed in turns, by one client and by several at once."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import urllib3
from contenders import Contender

HEADERS = {"content-type": "application/json", "accept": "application/json"}


@dataclass(frozen=True)
class Times:
    """Of one contender with so many clients."""

    seconds: list[float] = field(default_factory=list)  # of each request
    per_second: list[float] = field(default_factory=list)  # requests, by round

    def report(self) -> dict[str, float]:
        return {
            "p50_ms": 1000 * float(np.percentile(self.seconds, 50)),
            "p95_ms": 1000 * float(np.percentile(self.seconds, 95)),
            "qps": median(self.per_second),
        }


class Races:
    """Sends the requests to one server; reads the answers as bytes, which costs all the same."""

    def __init__(self, url: str, contenders: Sequence[Contender], clients: int) -> None:
        self._pool = urllib3.connection_from_url(url, maxsize=clients, block=True)
        self._contenders = contenders
        self._clients = clients
        self._queries = range(len(contenders[0].bodies))

    def answers(self) -> dict[str, list[list[str]]]:
        """Ids of the hits of each query, best first."""
        return {
            contender.name: [self._hits(contender, query) for query in self._queries]
            for contender in self._contenders
        }

    def alone(self, rounds: int) -> Mapping[str, Times]:
        """One client: every query goes to each contender before the next one's turn."""
        times = {contender.name: Times() for contender in self._contenders}
        for turn in range(rounds):
            spent = dict.fromkeys(times, 0.0)
            for query in self._queries:
                for contender in _rotated(self._contenders, turn + query):
                    seconds = self._time(contender, query)
                    times[contender.name].seconds.append(seconds)
                    spent[contender.name] += seconds
            for name, seconds in spent.items():
                times[name].per_second.append(len(self._queries) / seconds)
        return times

    def together(self, rounds: int) -> Mapping[str, Times]:
        """All clients ask one contender, then the next one."""
        times = {contender.name: Times() for contender in self._contenders}
        with ThreadPoolExecutor(self._clients) as threads:
            for turn in range(rounds):
                for contender in _rotated(self._contenders, turn):
                    start = time.perf_counter()
                    found = threads.map(lambda q, c=contender: self._time(c, q), self._queries)
                    times[contender.name].seconds.extend(found)
                    spent = time.perf_counter() - start
                    times[contender.name].per_second.append(len(self._queries) / spent)
        return times

    def _time(self, contender: Contender, query: int) -> float:
        start = time.perf_counter()
        self._ask(contender, query)
        return time.perf_counter() - start

    def _hits(self, contender: Contender, query: int) -> list[str]:
        answer = json.loads(self._ask(contender, query))
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    def _ask(self, contender: Contender, query: int) -> bytes:
        answer = self._pool.request(
            "POST", contender.target, body=contender.bodies[query], headers=HEADERS
        )
        if answer.status != 200:
            raise RuntimeError(f"{contender.name}: {answer.status} {answer.data[:500]!r}")
        return answer.data


def _rotated(items: Sequence[Contender], by: int) -> list[Contender]:
    start = by % len(items)
    return [*items[start:], *items[:start]]
