"""An index of the user's own, the pipelines for it, and what the encoder makes of its documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from adapters.backfill.target import find_target
from adapters.document_text import document_text
from adapters.pipelines.pipelines import Names, Sidecar, Wanted
from adapters.pipelines.setup import Setup
from adapters.pipelines.setup_elasticsearch import ElasticsearchSetup
from adapters.pipelines.setup_opensearch import OpenSearchSetup
from adapters.server.cluster import Cluster
from latent_terms.testing import hash_encoder

from ..clients.served import KEY, Served

ENCODER = hash_encoder(threads=1)
FIELDS = ("title", "about.body")
MAPPING = {
    "properties": {
        "title": {"type": "text"},
        "about": {"properties": {"body": {"type": "text"}, "year": {"type": "integer"}}},
        "kind": {"type": "keyword"},
    }
}
TITLES = {
    "1": "blue sky over the sea",
    "2": "red wine and blue cheese",
    "3": "the dog sleeps",
    "4": "sea and sky and sea",
    "5": "nothing in common",
    "6": "the the the the sea",
}


class Books:
    def __init__(self, cluster: Cluster, index: str) -> None:
        self.cluster = cluster
        self.names = Names(index, ENCODER.fingerprint)
        self.index = index
        self.address = f"{cluster.address}/{index}"

    def wanted(self, sidecar: Sidecar, **options: Any) -> Wanted:
        target = find_target(
            self.cluster,
            self.index,
            fingerprint=ENCODER.fingerprint,
            model="hash",
            text_fields=FIELDS,
        )
        return Wanted(index=self.index, latent=target.field, sidecar=sidecar, **options)

    @property
    def setup(self) -> Setup:
        if self.cluster.server.distribution == "opensearch":
            return OpenSearchSetup(self.cluster, self.names)
        return ElasticsearchSetup(self.cluster, self.names)

    def bulk(self, sources: Mapping[str, Mapping[str, Any]], **params: Any) -> list[Any]:
        """Outcomes, in order; `params` of the request."""
        lines = (
            json.dumps({"index": {"_index": self.index, "_id": id}}) + "\n" + json.dumps(source)
            for id, source in sources.items()
        )
        answer = self.cluster.bulk(("\n".join(lines) + "\n").encode(), params=params)
        assert answer.ok, answer
        return [item["index"] for item in answer.body["items"]]

    def simulate(self, sources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What the ingest pipeline makes of documents."""
        docs = [{"_index": self.index, "_id": "1", "_source": source} for source in sources]
        path = f"/_ingest/pipeline/{self.names.base}/_simulate"
        answer = self.cluster.request("POST", path, body={"docs": docs}).body
        return [result["doc"]["_source"] for result in answer["docs"]]

    def search(self, body: Mapping[str, Any], pipeline: str | None = None) -> Any:
        params = {"search_pipeline": pipeline} if pipeline else {}
        return self.cluster.request("POST", f"/{self.index}/_search", params=params, body=body).body

    def source(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.request("GET", f"/{self.index}/_source/{id}").body
        return found


@contextmanager
def books(cluster: Cluster) -> Iterator[Books]:
    """An empty index; it and its pipelines are removed at the end."""
    index = f"pipes-{uuid.uuid4().hex[:10]}"
    body = {"settings": {"number_of_replicas": 0}, "mappings": MAPPING}
    cluster.request("PUT", f"/{index}", body=body)
    shelf = Books(cluster, index)
    try:
        yield shelf
    finally:
        shelf.setup.remove()
        cluster.request("DELETE", f"/{index}")


def sidecar_of(service: Served) -> Sidecar:
    return Sidecar(service.url, KEY)


def terms_of(source: Mapping[str, Any]) -> dict[str, int]:
    """What the encoder makes of a document."""
    return dict(next(iter(ENCODER.encode_documents([document_text(FIELDS, source).text]))))


def latent_query(text: str) -> str:
    """Spelled as a text field takes it."""
    return ENCODER.encode_query(text).spell()


def spelled(text: str) -> dict[str, int]:
    """Terms and frequencies of a latent field, however it is spelled."""
    found: dict[str, int] = {}
    for word in text.split():
        term, _, frequency = word.partition("|")
        found[term] = found.get(term, 0) + int(frequency or 1)
    return found


def hits(answer: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]]


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]
