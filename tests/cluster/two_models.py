"""Two models to move between, and indexes that tests may do with as they like."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from adapters import Document, Schema
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine
from latent_terms.testing import hash_encoder

TOPICS = ("lift", "drag", "stall", "wing", "flow", "boundary", "layer", "shock", "wave", "jet")


class Model:
    """The hash encoder with its latents renumbered: as good, and with other terms."""

    def __init__(self, fingerprint: str, shift: int) -> None:
        self.fingerprint = fingerprint
        self._shift = shift
        self._encoder = hash_encoder(threads=1)

    def encode_documents(self, texts: Iterable[str]) -> Iterator[Mapping[str, int]]:
        return map(self._renumbered, self._encoder.encode_documents(texts))

    def encode_query(self, text: str) -> Mapping[str, int]:
        return self._renumbered(self._encoder.encode_query(text))

    def _renumbered(self, terms: Mapping[str, int]) -> dict[str, int]:
        return {f"t{(int(term[1:]) + self._shift) % 4096}": n for term, n in terms.items()}


OLD = Model("aaaaaa111111", 0)
NEW = Model("bbbbbb222222", 7)


def document(number: int, model: Model | None = OLD, *, text: str | None = None) -> Document:
    text = text or f"{TOPICS[number % 10]} and {TOPICS[number // 10 % 10]} of body {number}"
    terms = next(iter(model.encode_documents([text]))) if model is not None else None
    return Document(str(number), {"title": text}, terms=terms)


@contextmanager
def books(url: str, documents: int = 0) -> Iterator[ServerEngine]:
    """An index of the old model at a server, removed at the end."""
    index = f"migration-{uuid.uuid4().hex[:12]}"
    with ServerEngine(Cluster(f"{url}/{index}"), index) as engine:
        engine.create(Schema(text=("title",), fingerprint=OLD.fingerprint, model="old"))
        try:
            engine.add((document(n) for n in range(documents)), fingerprint=OLD.fingerprint)
            engine.refresh()
            yield engine
        finally:
            engine.cluster.request("DELETE", f"/{index}", accept=(404,))
