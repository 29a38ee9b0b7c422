"""Does the sidecar hold under more than it can do, for as long as it takes?

Many clients send queries, documents and reranks without a pause, and some hang up. It has to answer
each request, with 200, 429 or 504, and to keep its memory:

    python benchmarks/soak.py --collection scifact --minutes 10 --json benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import urllib3
from hardware import hardware
from load import HEADERS, PATIENCE, Request, options_of, ours, serving, show

from latent_terms.evaluation import Collection

PACKAGES = ("onnxruntime", "lmdb", "uvicorn")
PORT = 8495
URL = f"http://127.0.0.1:{PORT}"
EVERY = 5.0  # seconds between looks at the memory
HANG_UP = 0.05  # of the requests: the client waits this little
IMPATIENCE = 0.2  # seconds
EXPECTED = {"200", "429", "504", "hung up"}


class Clients:
    """They count what became of each of their requests."""

    def __init__(self, collection: Collection, count: int, end: float) -> None:
        self.outcomes: Counter[str] = Counter()
        self._texts = [document.text for document in collection.documents()]
        self._queries = list(collection.queries.values())
        self._end = end
        self._lock = threading.Lock()
        self._pool = urllib3.connection_from_url(URL, maxsize=count, block=True)
        self.threads = [threading.Thread(target=self._work, args=(n,)) for n in range(count)]

    def _work(self, seed: int) -> None:
        chance = random.Random(seed)
        while time.monotonic() < self._end:
            outcome, pause = self._outcome(self._request(chance), chance.random() < HANG_UP)
            with self._lock:
                self.outcomes[outcome] += 1
            time.sleep(pause)

    def _outcome(self, request: Request, impatient: bool) -> tuple[str, float]:
        """And the seconds to wait before the next one: a tenth of what the service asks for, so
        that it stays overloaded."""
        timeout = IMPATIENCE if impatient else PATIENCE
        try:
            answer = self._pool.request(
                "POST",
                request.path,
                body=request.body,
                headers=HEADERS,
                timeout=timeout,
                retries=False,
            )
        except urllib3.exceptions.TimeoutError:
            return ("hung up" if impatient else "no answer"), 0.0
        except urllib3.exceptions.HTTPError as error:
            return type(error).__name__, 0.0
        return str(answer.status), int(answer.headers.get("retry-after", 0)) / 10

    def _request(self, chance: random.Random) -> Request:
        query = chance.choice(self._queries)
        kind = chance.random()
        if kind < 0.4:
            return Request.of("/v1/encode", {"input": [query], "input_type": "query"})
        texts = chance.sample(self._texts, chance.choice((1, 10, 50)))
        if kind < 0.6:
            return Request.of("/v1/encode", {"input": texts, "input_type": "document"})
        return Request.of("/v1/rerank", {"query": query, "documents": texts})


def main() -> None:
    options = _options()
    collection = Collection.read(options.collection)
    with TemporaryDirectory() as store:
        flags = ("--store", store, "--store-bytes", str(256 << 20))
        with serving(ours(PORT, *flags), f"{URL}/health/ready") as process:
            started = time.monotonic()
            clients = Clients(collection, options.clients, started + 60 * options.minutes)
            for thread in clients.threads:
                thread.start()
            memory = list(_watch(process, clients.threads, started))
    report = {
        "minutes": options.minutes,
        "clients": options.clients,
        "outcomes": dict(sorted(clients.outcomes.items())),
        "megabytes": memory,
        "hardware": hardware(PACKAGES),
    }
    show(report, _page(report), options.json)


def _watch(
    process: int, threads: Sequence[threading.Thread], started: float
) -> Iterator[tuple[float, float]]:
    """Seconds and megabytes while the clients are at work."""
    while any(thread.is_alive() for thread in threads):
        yield round(time.monotonic() - started, 1), round(_megabytes(process), 1)
        time.sleep(EVERY)


def _megabytes(process: int) -> float:
    """Of its own; pages of the store's file are the system's, which takes them back at need."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell RssAnon")


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    minutes: dict[int, list[float]] = {}
    for seconds, megabytes in report["megabytes"]:
        minutes.setdefault(int(seconds // 60), []).append(megabytes)
    yield f"{'minute':<10}{'MB, mean':>12}{'MB, most':>12}"
    for minute, found in minutes.items():
        yield f"{minute + 1:<10}{sum(found) / len(found):>12,.0f}{max(found):>12,.0f}"
    yield ""
    for outcome, count in report["outcomes"].items():
        yield f"{outcome:<12}{count:>10,}" + ("" if outcome in EXPECTED else "  NOT EXPECTED")


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--clients", type=int, default=64, help="at once [%(default)s]")
    parser.add_argument("--minutes", type=float, default=10, help="[%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
