"""How many requests a second does the sidecar answer, and how long do they take?

Latent terms of one text a request, with 1, 8 and 32 clients: queries, and documents from a title to
a whole abstract. With its batches, and with every text run by itself, in turns:

    python benchmarks/service.py --collection scifact --json benchmarks/results/service.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from hardware import hardware
from load import Answers, Request, drive, options_of, ours, serving, show

from latent_terms.evaluation import Collection

PACKAGES = ("onnxruntime", "uvicorn", "fastapi")
PORT = 8470
# A batch of one text is run whatever its area is, and no other fits beside it.
SIDES = {"batches": (), "one by one": ("--batch-tokens", "8")}
COLUMNS = ("requests/s", "p50 ms", "p95 ms", "p99 ms")
TEXTS = 400
LENGTHS = (8, 32, 128, 512)  # words of a document, in turn


def main() -> None:
    options = _options()
    work = _work(Collection.read(options.collection))
    runs = {
        (kind, clients, side): Answers()
        for kind in work
        for clients in options.clients
        for side in SIDES
    }
    with ExitStack() as stack:
        urls = {
            side: _start(stack, PORT + n, flags) for n, (side, flags) in enumerate(SIDES.items())
        }
        for turn in range(options.rounds + 1):
            seconds = options.seconds if turn else 2  # to warm up
            for (kind, clients, side), answers in runs.items():
                found = drive(urls[side], work[kind], clients=clients, seconds=seconds)
                if turn:
                    answers.add(found)
    report = {
        "collection": options.collection.name,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "hardware": hardware(PACKAGES),
        "runs": [
            {"texts": kind, "clients": clients, "side": side, **answers.report()}
            for (kind, clients, side), answers in runs.items()
        ],
    }
    show(report, _page(report), options.json)


def _start(stack: ExitStack, port: int, flags: Sequence[str]) -> str:
    url = f"http://127.0.0.1:{port}"
    stack.enter_context(serving(ours(port, "--store", "none", *flags), f"{url}/health/ready"))
    return url


def _work(collection: Collection) -> dict[str, list[Request]]:
    queries = islice(collection.queries.values(), TEXTS)
    return {
        "queries": [_encode(query, "query") for query in queries],
        "documents": [_encode(text, "document") for text in islice(_mixed(collection), TEXTS)],
    }


def _mixed(collection: Collection) -> Iterator[str]:
    for n, document in enumerate(collection.documents()):
        yield " ".join(document.text.split()[: LENGTHS[n % len(LENGTHS)]])


def _encode(text: str, kind: str) -> Request:
    return Request.of("/v1/encode", {"input": [text], "input_type": kind})


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':<40}" + "".join(f"{column:>12}" for column in COLUMNS)
    for run in report["runs"]:
        name = f"{run['texts']}, {run['clients']} clients, {run['side']}"
        numbers = (run["requests_per_second"], *(run[f"p{p}_ms"] for p in (50, 95, 99)))
        yield f"{name:<40}" + "".join(f"{number:>12,.1f}" for number in numbers)
        if set(run["statuses"]) != {"200"}:
            yield f"  {run['statuses']}"
    yield ""
    both = zip(report["runs"][::2], report["runs"][1::2], strict=True)
    for batched, single in both:
        ratio = batched["requests_per_second"] / single["requests_per_second"]
        yield f"{batched['texts']}, {batched['clients']} clients: batches are x {ratio:.2f}"


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], help="[1 8 32]")
    parser.add_argument("--rounds", type=int, default=3, help="of each [%(default)s]")
    parser.add_argument("--seconds", type=float, default=5, help="of a round [%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
