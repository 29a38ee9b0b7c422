"""A service in a process of its own, and clients that send their next request once they have the
answer to the last one."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import urllib3

HEADERS = {"content-type": "application/json"}
PATIENCE = 120.0  # seconds: for a service to start, and for an answer


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes
    texts: int = 1

    @classmethod
    def of(cls, path: str, body: dict[str, Any], texts: int = 1) -> Request:
        return cls(path, json.dumps(body).encode(), texts)


@dataclass
class Answers:
    """Of one run; only answers with status 200 count for speed."""

    seconds: list[float] = field(default_factory=list)  # of each request
    statuses: Counter[int] = field(default_factory=Counter)
    texts: int = 0
    spent: float = 0.0  # seconds of the whole run

    def add(self, other: Answers) -> None:
        self.seconds += other.seconds
        self.statuses += other.statuses
        self.texts += other.texts
        self.spent += other.spent

    def report(self) -> dict[str, Any]:
        return {
            "requests_per_second": self.statuses[200] / self.spent,
            "texts_per_second": self.texts / self.spent,
            **{f"p{p}_ms": 1000 * float(np.percentile(self.seconds, p)) for p in (50, 95, 99)},
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
        }


def options_of(doc: str | None) -> argparse.ArgumentParser:
    """With what every benchmark of the service is told."""
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--collection", required=True, type=Path, help="a folder in BEIR layout")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    return parser


def show(report: Mapping[str, Any], page: Iterable[str], file: Path | None) -> None:
    """The page and, below it, the hardware; the report into the file."""
    if file:
        file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print("\n".join([*page, *(f"{name}: {value}" for name, value in report["hardware"].items())]))


def ours(port: int, *flags: str) -> list[str]:
    return [sys.executable, "-m", "rerank_service", "--port", str(port), *flags]


@contextmanager
def serving(command: Sequence[str], ready: str) -> Iterator[int]:
    """Runs the command until its URL ``ready`` answers, and stops it at the end; its process id.

    RuntimeError where it ends or is not ready in time.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, ready)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def drive(
    url: str, requests: Iterable[Request], *, clients: int, seconds: float | None = None
) -> Answers:
    """Sends the requests once, or over and over for so many seconds."""
    answers, lock = Answers(), threading.Lock()
    end = float("inf") if seconds is None else time.monotonic() + seconds
    following = iter(requests) if seconds is None else itertools.cycle(requests)

    def work() -> None:
        while True:
            with lock:
                request = next(following, None)
            if request is None or time.monotonic() >= end:
                return
            started = time.perf_counter()
            status = ask(pool, request).status
            taken = time.perf_counter() - started
            with lock:
                answers.statuses[status] += 1
                if status == 200:
                    answers.seconds.append(taken)
                    answers.texts += request.texts

    with urllib3.connection_from_url(url, maxsize=clients, block=True) as pool:
        threads = [threading.Thread(target=work) for _ in range(clients)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    answers.spent = time.perf_counter() - started
    return answers


def ask(pool: urllib3.HTTPConnectionPool, request: Request) -> urllib3.BaseHTTPResponse:
    return pool.request(
        "POST", request.path, body=request.body, headers=HEADERS, timeout=PATIENCE, retries=False
    )


def _wait(process: subprocess.Popen[bytes], ready: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            if urllib3.request("GET", ready, timeout=1, retries=False).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.2)
    raise RuntimeError(f"{ready} did not answer in {PATIENCE:.0f} s")
