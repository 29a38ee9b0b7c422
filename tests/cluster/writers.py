"""People who go on writing to an index while it is back-filled."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from adapters.errors import EngineUnavailable
from adapters.server.cluster import Cluster

Source = dict[str, Any]

_PAUSE = 0.02  # seconds


class Writer:
    """Rewrites, updates in part, adds and deletes documents of its own until it is stopped.

    `expected` is what the index must hold of them in the end. A write whose answer is lost is
    done again.
    """

    def __init__(
        self, url: str, index: str, sources: dict[str, Source], text: Callable[[int], str]
    ) -> None:
        self.expected = dict(sources)
        self.writes = 0
        self._cluster = Cluster(url, timeout=5)
        self._index = index
        self._text = text
        self._chance = random.Random(index)
        self._ids = list(sources)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._cluster.close()

    def _run(self) -> None:
        acts = (self._rewrite, self._update, self._add, self._delete)
        while not self._stop.wait(_PAUSE):
            self._chance.choices(acts, weights=(6, 6, 2, 1))[0]()
            self.writes += 1

    def _rewrite(self) -> None:
        """As applications do that know nothing of latent terms: the latent field is gone then."""
        id = self._chance.choice(self._ids)
        self._put(id, {"title": self._text(self.writes), "body": f"rewritten {self.writes}"})

    def _update(self) -> None:
        id = self._chance.choice(self._ids)
        part = {"title": self._text(self.writes)}
        if id in self.expected:
            self._send("POST", f"_update/{id}", {"doc": part})
            self.expected[id] = self.expected[id] | part

    def _add(self) -> None:
        id = f"new-{self.writes}"
        self._ids.append(id)
        self._put(id, {"title": self._text(self.writes)})

    def _delete(self) -> None:
        id = self._chance.choice(self._ids)
        self._send("DELETE", f"_doc/{id}")
        self.expected.pop(id, None)

    def _put(self, id: str, source: Source) -> None:
        self._send("PUT", f"_doc/{id}", source)
        self.expected[id] = source

    def _send(self, method: str, path: str, body: Source | None = None) -> None:
        """Until it is answered. A partial update that lost against another is done again, too."""
        while True:
            try:
                path_in = f"/{self._index}/{path}"
                answer = self._cluster.request(method, path_in, body=body, accept=(404, 409))
            except EngineUnavailable:
                self._stop.wait(0.1)
                continue
            if answer.status != 409:
                return
