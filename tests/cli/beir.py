"""Writes a test collection in BEIR layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write_collection(
    folder: Path,
    documents: Mapping[str, str],
    queries: Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", documents), ("queries", queries)):
        lines = [json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    judgements = [
        f"{query}\t{document}\t{relevance}\n"
        for query, judged in qrels.items()
        for document, relevance in judged.items()
    ]
    path = folder / "qrels" / "test.tsv"
    path.write_text("query-id\tcorpus-id\tscore\n" + "".join(judgements), encoding="utf-8")
    return folder
