"""What benchmarks/engines.py found, as a page for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

COLUMNS = ("nDCG@10", "p50 ms", "p95 ms", "QPS", "p50 ms", "p95 ms", "QPS", "x lexical")


def page(report: Mapping[str, Any]) -> str:
    return "\n".join(_lines(report))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{report['model']} {report['fingerprint']}, {report['queries']} queries of "
        f"{report['collection']} with {report['terms_per_query']:.0f} terms each, "
        f"{report['rounds']} rounds"
    )
    for name, value in report["hardware"].items():
        yield f"{name}: {value}"
    for server, sizes in report["servers"].items():
        for size, figures in sizes.items():
            yield f"\n{server}, {int(size):,} documents, load {figures['load_average']:.1f}"
            yield from _searches(figures["searches"], report["clients"])
            yield ""
            yield from _bytes(figures["bytes"], int(size), figures["terms_per_document"])


def _searches(searches: Mapping[str, Any], clients: int) -> Iterator[str]:
    yield f"{'':<40}{'':>9}{'1 client':>27}{f'{clients} clients':>27}"
    yield f"{'':<40}" + "".join(f"{column:>9}" for column in COLUMNS)
    lexical = searches["lexical"]["alone"]["p50_ms"]
    for name, found in searches.items():
        alone, together = found["alone"], found["together"]
        yield f"{name:<40}{found['ndcg@10']:>9.4f}" + "".join(
            f"{number:>9.1f}"
            for number in (
                *(race[key] for race in (alone, together) for key in ("p50_ms", "p95_ms", "qps")),
                alone["p50_ms"] / lexical,
            )
        )


def _bytes(sizes: Mapping[str, int], documents: int, terms: float) -> Iterator[str]:
    words = sizes["words"]
    yield f"bytes per document: words with the stored text {words / documents:,.0f}"
    for name, size in sizes.items():
        if name != "words":
            yield f"  {name:<12} + {(size - words) / documents:,.0f}"
    yield f"{terms:.0f} latent terms a document"


if __name__ == "__main__":  # a page of a report that was kept
    print(page(json.load(sys.stdin)))
