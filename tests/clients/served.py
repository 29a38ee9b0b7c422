"""A running service as its clients see it, what they should get, and how to keep it busy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

ROOT = Path(__file__).resolve().parents[2]
KEY = "secret"
MOST_BYTES = 1 << 20
QUERY = "wing lift"
DOCUMENTS = ["the cat sat on the mat", "a wing has lift", "", "lift and drag", "wing"]
SETTINGS = {
    "api_keys": KEY,
    "body_timeout_ms": 60_000,
    "log_level": "error",
    "max_body_bytes": MOST_BYTES,
    "max_bytes_in_flight": MOST_BYTES,
    "port": 0,
    "store": "none",
    "threads": 1,
}


class Served:
    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"})

    def scores(self, documents: list[str] = DOCUMENTS, **body: Any) -> list[float]:
        """What a client should find, in the order of the documents, by plain HTTP."""
        answer = self.http.post("/v2/rerank", json={"query": QUERY, "documents": documents} | body)
        return list(answer.raise_for_status().json()["scores"])

    def order(self) -> list[int]:
        """Positions of DOCUMENTS, best first."""
        scores = self.scores()
        return sorted(range(len(scores)), key=lambda n: -scores[n])

    def refusals(self) -> float:
        """How many requests were answered with 429 so far."""
        return self._metric('rejected_total{reason="Overloaded"}')

    @contextmanager
    def full(self) -> Iterator[None]:
        """A client that announces all bytes the service takes and sends none: others get 429."""
        where = urlsplit(self.url)
        assert where.hostname is not None
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /rerank HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
                b"Content-Length: %d\r\n\r\n" % (KEY.encode(), MOST_BYTES)
            )
            wait_until(lambda: self._metric("body_bytes") == MOST_BYTES)
            yield
        wait_until(lambda: self._metric("body_bytes") == 0)

    @contextmanager
    def full_until_refused(self) -> Iterator[None]:
        """As `full`, until the client in the block got 429: it comes through if it tries again."""
        before = self.refusals()
        with ExitStack() as held, ThreadPoolExecutor(1) as other:
            held.enter_context(self.full())
            freed = other.submit(self._free, held, before)
            yield
            freed.result()

    def _free(self, held: ExitStack, before: float) -> None:
        wait_until(lambda: self.refusals() > before)
        held.close()

    def _metric(self, line: str) -> float:
        for each in self.http.get("/metrics").raise_for_status().text.splitlines():
            name, _, value = each.rpartition(" ")
            if name == f"latent_terms_{line}":
                return float(value)
        return 0.0


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


@contextmanager
def served() -> Iterator[Served]:
    """The service as a process of its own, with one key and the hash encoder."""
    settings = {f"LATENT_TERMS_{name.upper()}": str(value) for name, value in SETTINGS.items()}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("hash_service.py"))],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address, "the service did not start"
        service = Served(address)
        with service.http:
            yield service
    finally:
        process.terminate()
        process.communicate(timeout=20)
