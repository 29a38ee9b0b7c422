"""How long does a rerank of 100 candidates take, with and without their vectors in the store?

Each query is sent with candidates of its own: once to an empty store, which encodes them, then
again and again:

    python benchmarks/rerank.py --collection scifact --json benchmarks/results/rerank.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from itertools import islice
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import urllib3
from hardware import hardware
from load import Answers, Request, ask, drive, options_of, ours, serving, show

from latent_terms.evaluation import Collection

PACKAGES = ("numpy", "onnxruntime", "lmdb", "uvicorn")
PORT = 8490
URL = f"http://127.0.0.1:{PORT}"


def main() -> None:
    options = _options()
    requests = list(_requests(Collection.read(options.collection), options))
    warm = Answers()
    with TemporaryDirectory() as store:
        flags = ("--store", store, "--timeout-ms", "60000", "--store-bytes", str(4 << 30))
        with serving(ours(PORT, *flags), f"{URL}/health/ready"):
            cold = drive(URL, requests, clients=1)
            tokens = _tokens(requests)
            for _ in range(options.rounds):
                warm.add(drive(URL, requests, clients=1))
            together = drive(URL, requests * options.rounds, clients=options.clients)
    report = {
        "collection": options.collection.name,
        "queries": len(requests),
        "candidates": options.candidates,
        "tokens_a_request": tokens,
        "clients": options.clients,
        "runs": {
            "cold": cold.report(),
            "warm": warm.report(),
            f"warm, {options.clients} clients": together.report(),
        },
        "hardware": hardware(PACKAGES),
    }
    show(report, _page(report), options.json)


def _requests(collection: Collection, options: argparse.Namespace) -> Iterator[Request]:
    documents = (document.text for document in collection.documents())
    for query in islice(collection.queries.values(), options.queries):
        texts = list(islice(documents, options.candidates))
        if len(texts) == options.candidates:
            yield Request.of("/v1/rerank", {"query": query, "documents": texts})


def _tokens(requests: list[Request]) -> float:
    """Of query and candidates; RuntimeError where the store does not have all candidates."""
    with urllib3.connection_from_url(URL) as pool:
        answers = [ask(pool, request).json() for request in requests]
    for answer in answers:
        if answer["cached_documents"] != len(answer["results"]):
            raise RuntimeError(f"the store has {answer['cached_documents']} of the candidates")
    return fmean(answer["usage"]["total_tokens"] for answer in answers)


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':<20}{'reranks/s':>12}{'p50 ms':>12}{'p95 ms':>12}{'p99 ms':>12}"
    for name, run in report["runs"].items():
        numbers = (run["requests_per_second"], *(run[f"p{p}_ms"] for p in (50, 95, 99)))
        yield f"{name:<20}" + "".join(f"{number:>12,.1f}" for number in numbers)
    runs = report["runs"]
    ratio = runs["cold"]["p50_ms"] / runs["warm"]["p50_ms"]
    yield (
        f"\nwarm is x {ratio:.1f} as fast as cold; {report['queries']} queries of "
        f"{report['collection']}, {report['candidates']} candidates each, "
        f"{report['tokens_a_request']:,.0f} tokens"
    )


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--queries", type=int, default=40, help="the first ones [%(default)s]")
    parser.add_argument("--candidates", type=int, default=100, help="of a query [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="of warm ones [%(default)s]")
    parser.add_argument("--clients", type=int, default=8, help="at once [%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
