"""The service in a thread of the test's process, and models that are slow or fail on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from latent_terms import TermEncoder
from latent_terms.testing import hash_encoder
from rerank_service.server import BackgroundServer
from rerank_service.service import Service
from rerank_service.settings import Settings


class Running:
    """A service that answers, and a client of it."""

    def __init__(self, background: BackgroundServer) -> None:
        self.server = background._server
        self.service: Service = self.server._service
        self.url = background.url
        self.client = httpx.Client(base_url=self.url, timeout=90)

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def metric(self, line: str) -> float:
        """The value of a line of /metrics, 0 where there is none."""
        for each in self.get("/metrics").text.splitlines():
            if each.rpartition(" ")[0] == f"latent_terms_{line}":
                return float(each.rpartition(" ")[2])
        return 0.0


@contextmanager
def running(encoder: TermEncoder | None = None, **settings: Any) -> Iterator[Running]:
    """Serve with the hash encoder, on a free port and without a store, unless said otherwise."""
    values = {"port": 0, "store": "none", "threads": 2, "shutdown_seconds": 1} | settings
    background = BackgroundServer(encoder or hash_encoder(threads=1), Settings(**values))
    service = Running(background)
    try:
        with service.client:
            yield service
    finally:
        background.stop()


def wait_until(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


class Backbone:
    """The hash encoder's backbone, with a door that can be held shut, and a word it fails on."""

    def __init__(self, inner: Any, poison: str) -> None:
        self._inner = inner
        self._poison = int(inner.tokenize(poison)[0])
        self.tokenize = inner.tokenize
        self.frame = inner.frame
        self.open = threading.Event()
        self.open.set()
        self.batches: list[tuple[int, ...]] = []
        self.shut_at: int | None = None
        """The number of batches after which the door falls shut."""

    def states(self, input_ids: NDArray[np.int64], mask: NDArray[np.int64], /) -> Any:
        if len(self.batches) == self.shut_at:
            self.open.clear()
        self.open.wait(20)
        self.batches.append(input_ids.shape)
        if (input_ids == self._poison).any():
            raise RuntimeError("the model does not like this")
        return self._inner.states(input_ids, mask)


def watched_encoder(poison: str = "poison") -> tuple[TermEncoder, Backbone]:
    """A hash encoder whose backbone can be held, watched and made to fail."""
    plain = hash_encoder(threads=1)
    backbone = Backbone(plain._backbone, poison)
    encoder = TermEncoder(
        manifest=plain.manifest,
        backbone=backbone,
        sae=plain._sae,
        vocabulary=plain.vocabulary,
        threads=1,
    )
    return encoder, backbone
