"""The indexes of the engine benchmark: the words of every document and, beside them, nothing, its
latent terms, the same terms as a sparse vector, or the backbone's dense vector."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from encoded import Encoded
from numpy.typing import NDArray

from adapters import Document, Schema
from adapters.bulk.bulk import Bulk
from adapters.bulk.chunks import Action
from adapters.dialect.dialect import Dialect
from adapters.dialect.mapping import new_index
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine

K1, B = 1.2, 0.75  # BM25 as the engines have it
WORDS, TERMS, SPARSE, FREQUENCIES, DENSE = "words", "terms", "sparse", "frequencies", "dense"
PATIENCE = 3600.0  # seconds for merging


@dataclass(frozen=True)
class Representation:
    """What `value` gives of text i goes into a field of this name."""

    name: str
    settings: dict[str, Any]
    mapping: dict[str, Any] | None
    value: Callable[[int], Any] | None


def representations(dialect: Dialect, encoded: Encoded) -> list[Representation]:
    sparse, dense, settings = _peers(dialect, encoded.vectors.shape[1])
    weights = bm25_weights(encoded)
    return [
        Representation(WORDS, {}, None, None),
        Representation(TERMS, {}, None, None),
        Representation(SPARSE, {}, sparse, lambda i: _weighted(encoded, i, weights)),
        Representation(FREQUENCIES, {}, sparse, encoded.terms),
        Representation(DENSE, settings, dense, lambda i: _numbers(encoded.vectors[i])),
    ]


def bm25_weights(encoded: Encoded) -> NDArray[np.float64]:
    """What BM25 makes of each frequency: with the idf in the query, the product ranks as BM25."""
    frequencies = encoded.frequencies.astype(np.float64)
    counts = np.diff(encoded.starts)
    lengths = np.add.reduceat(frequencies, encoded.starts[:-1])
    norms = np.repeat(K1 * (1 - B + B * lengths / lengths.mean()), counts)
    return frequencies * (K1 + 1) / (frequencies + norms)


def idf(encoded: Encoded, documents: int) -> Callable[[str], float]:
    """Of a term in the first so many documents."""
    frequency = document_frequencies(encoded, documents)
    return lambda term: float(
        np.log1p((documents - frequency[int(term[1:])] + 0.5) / (frequency[int(term[1:])] + 0.5))
    )


def document_frequencies(encoded: Encoded, documents: int) -> NDArray[np.int64]:
    return np.bincount(encoded.latents[: encoded.starts[documents]], minlength=1 << 16)


def open_index(cluster: Cluster, prefix: str, kind: Representation, model: Schema) -> ServerEngine:
    """An index of one shard, made as the product makes it, with the representation added."""
    engine = ServerEngine(cluster, f"{prefix}-{kind.name}")
    body = new_index(
        Dialect.of(cluster.server), model if kind.name == TERMS else Schema(text=model.text)
    )
    shape = {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": -1}
    body["settings"] = {**body.get("settings", {}), **shape, **kind.settings}
    if kind.mapping:
        body["mappings"]["properties"][kind.name] = kind.mapping
    cluster.request("PUT", f"/{engine.index}", body=body)
    return engine


def load(
    engine: ServerEngine,
    kind: Representation,
    encoded: Encoded,
    texts: Sequence[tuple[int, tuple[str, str]]],
) -> None:
    """Adds texts, each with its number, and merges; RuntimeError where one is refused."""
    if kind.name == TERMS:
        engine.add(Document(id, {"text": text}, encoded.terms(i)) for i, (id, text) in texts)
    else:
        actions = (_action(engine.index, kind, i, *text) for i, text in texts)
        for outcome in Bulk(engine.cluster.bulk).run(actions):
            if not outcome.done:
                raise RuntimeError(f"{outcome.action.id} is refused: {outcome.reason}")
    for action, params in (("forcemerge", {"max_num_segments": 1}), ("flush", {"force": True})):
        path = f"/{engine.index}/_{action}"
        engine.cluster.request("POST", path, params=params, timeout=PATIENCE)
    engine.refresh()


def size_in_bytes(engine: ServerEngine) -> int:
    """Of its one segment; RuntimeError where there are several."""
    found = engine.cluster.request("GET", f"/{engine.index}/_segments").body
    ((copy,),) = found["indices"][engine.index]["shards"].values()
    sizes = [segment["size_in_bytes"] for segment in copy["segments"].values()]
    if len(sizes) != 1:
        raise RuntimeError(f"{engine.index} has {len(sizes)} segments: merging is not done")
    return int(sizes[0])


def stored_bytes(engine: ServerEngine) -> int:
    """Of the stored documents, compressed: what comes back in hits, no search reads them."""
    path = f"/{engine.index}"
    if engine.cluster.server.distribution == "elasticsearch":
        params = {"run_expensive_tasks": True}
        found = engine.cluster.request("POST", f"{path}/_disk_usage", params=params).body
        return int(found[engine.index]["all_fields"]["stored_fields_in_bytes"])
    params = {"include_segment_file_sizes": True}
    found = engine.cluster.request("GET", f"{path}/_stats/segments", params=params).body
    return int(found["_all"]["primaries"]["segments"]["file_sizes"]["fdt"]["size_in_bytes"])


def _peers(
    dialect: Dialect, dimensions: int
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    if dialect.distribution == "elasticsearch":
        dense = {"type": "dense_vector", "dims": dimensions, "similarity": "cosine"}
        return {"type": "sparse_vector"}, dense, {}
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    dense = {"type": "knn_vector", "dimension": dimensions, "method": method}
    return {"type": "rank_features"}, dense, {"index.knn": True}


def _action(index: str, kind: Representation, i: int, id: str, text: str) -> Action[None]:
    source = {"text": text} | ({kind.name: kind.value(i)} if kind.value else {})
    action = {"index": {"_index": index, "_id": id}}
    return Action(id, f"{json.dumps(action)}\n{json.dumps(source)}\n".encode(), None)


def _weighted(encoded: Encoded, i: int, weights: NDArray[np.float64]) -> dict[str, float]:
    part = slice(encoded.starts[i], encoded.starts[i + 1])
    return {
        f"t{latent}": weight
        for latent, weight in zip(
            encoded.latents[part].tolist(), weights[part].round(4).tolist(), strict=True
        )
    }


def _numbers(vector: NDArray[np.float16]) -> Sequence[float]:
    return vector.astype(np.float64).round(5).tolist()
