"""The figures of benchmarks/engines.py, and what they mean for many more documents, in Markdown.

    python benchmarks/scale.py benchmarks/results/engines.json

docs/scale.md holds this output and says what is assumed.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENTS = (10_000_000, 100_000_000, 1_000_000_000)
SHARD_BYTES = 40e9  # at most
COPIES = 2  # of each shard: a primary and a replica
SHARDS_A_NODE = 10  # copies, 400 GB beside 64 GB of memory
CORES = 16  # of a node
BUSY = 0.5  # of a node's cores, at the busiest time
SEARCHES = {  # and their indexes
    "lexical": "words",
    "latent, 24 terms, then rescore 200": "terms",
    "combined, 24 terms, then rescore 200": "terms",
}


@dataclass(frozen=True)
class Cost:
    """Seconds of one core that a search of one shard takes, measured at two numbers of documents.

    Beyond them it is assumed to lie between a power and a line through both.
    """

    small: tuple[int, float]
    large: tuple[int, float]

    def between(self, documents: float) -> tuple[float, float]:
        """The lower and the higher of the two."""
        (n, a), (m, b) = self.small, self.large
        power = b * (documents / m) ** max(math.log(b / a) / math.log(m / n), 0)
        line = b + max(b - a, 0) / (m - n) * (documents - m)
        return min(power, line), max(power, line)


@dataclass(frozen=True)
class Cluster:
    """What holds so many documents."""

    shards: int
    nodes: int
    documents_a_shard: float

    @classmethod
    def of(cls, documents: int, bytes_each: float) -> Cluster:
        shards = math.ceil(documents * bytes_each / SHARD_BYTES)
        nodes = max(COPIES, math.ceil(shards * COPIES / SHARDS_A_NODE))
        return cls(shards, nodes, documents / shards)

    def searches_a_second(self, seconds_a_shard: float) -> float:
        """What each node adds to the cluster; a search asks one copy of every shard."""
        return CORES * BUSY / (seconds_a_shard * self.shards)


def tables(report: Mapping[str, Any]) -> Iterator[str]:
    cores, clients = int(report["hardware"]["cores"]), report["clients"]
    for server, figures in report["servers"].items():
        sizes = {int(size): found for size, found in figures.items()}
        yield from (f"### {server}", "", *_searches(sizes, clients), "")
        yield from (*_bytes(sizes), "", *_clusters(sizes, cores), "")


def _searches(sizes: Mapping[int, Any], clients: int) -> Iterator[str]:
    """Latency as it grows; the rest at the largest size."""
    most = sizes[max(sizes)]["searches"]
    grown = [f"p50 ms, {size:,}" for size in sizes]
    columns = ("nDCG@10", *grown, "to lexical", "p95 ms", "QPS", f"QPS, {clients} clients")
    yield from _table("Search", columns)
    for name, found in most.items():
        alone, lexical = found["alone"], most["lexical"]["alone"]
        p50 = [at["searches"][name]["alone"]["p50_ms"] for at in sizes.values()]
        yield _row(
            name,
            (
                f"{found['ndcg@10']:.3f}",
                *(f"{ms:.1f}" for ms in p50),
                f"x {alone['p50_ms'] / lexical['p50_ms']:.2f}",
                f"{alone['p95_ms']:.1f}",
                f"{alone['qps']:.0f}",
                f"{found['together']['qps']:.0f}",
            ),
        )


def _bytes(sizes: Mapping[int, Any]) -> Iterator[str]:
    """What each representation adds to an index of words, and how much of it are stored fields."""
    columns = (*(f"{size:,} documents" for size in sizes), "of these stored")
    yield from _table("Bytes a document", columns)
    most = max(sizes)
    for name in sizes[most]["bytes"]:
        label = "words" if name == "words" else f"+ {name}"
        cells = [
            *(_bytes_each(sizes, n, name) for n in sizes),
            _bytes_each(sizes, most, name, "stored_bytes"),
        ]
        yield _row(label, (f"{number:,.0f}" for number in cells))


def _clusters(sizes: Mapping[int, Any], cores: int) -> Iterator[str]:
    columns = (
        "documents",
        "index, one copy",
        "shards",
        "nodes",
        "a shard answers in",
        "QPS a node",
    )
    yield from _table("Search", columns)
    for search, index in SEARCHES.items():
        cost = _cost(sizes, search, cores)
        each = _bytes_each(sizes, max(sizes), index) + (
            0 if index == "words" else _bytes_each(sizes, max(sizes), "words")
        )
        for documents in DOCUMENTS:
            cluster = Cluster.of(documents, each)
            low, high = cost.between(cluster.documents_a_shard)
            yield _row(
                search,
                (
                    f"{documents / 1e6:,.0f} M",
                    f"{documents * each / 1e9:,.0f} GB",
                    f"{cluster.shards:,}",
                    f"{cluster.nodes:,}",
                    f"{_figure(1000 * low)} to {_figure(1000 * high)} ms",
                    f"{_figure(cluster.searches_a_second(high))} to "
                    f"{_figure(cluster.searches_a_second(low))}",
                ),
            )


def _bytes_each(sizes: Mapping[int, Any], size: int, name: str, kind: str = "bytes") -> float:
    """Of a document in the index of words, or what the representation adds to that."""
    found = sizes[size][kind]
    return (found[name] - (0 if name == "words" else found["words"])) / size


def _cost(sizes: Mapping[int, Any], search: str, cores: int) -> Cost:
    """With all cores busy: client and server share them, so servers alone are a little faster."""
    small, large = min(sizes), max(sizes)
    seconds = {n: cores / sizes[n]["searches"][search]["together"]["qps"] for n in (small, large)}
    return Cost((small, seconds[small]), (large, seconds[large]))


def _figure(number: float) -> str:
    """Two digits."""
    digits = max(0, 1 - math.floor(math.log10(number)))
    return f"{round(number, 1 - math.floor(math.log10(number))):,.{digits}f}"


def _table(first: str, columns: Iterable[str]) -> Iterator[str]:
    names = list(columns)
    yield _row(first, names)
    yield _row("---", ("---:" for _ in names))


def _row(first: str, cells: Iterable[str]) -> str:
    return "| " + " | ".join((first, *cells)) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", type=Path, help="file of engines.py --json")
    print("\n".join(tables(json.loads(parser.parse_args().report.read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main()
