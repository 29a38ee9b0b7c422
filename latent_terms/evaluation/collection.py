"""Reads a test collection in BEIR layout, plain or gzipped.

    corpus.jsonl[.gz]          {"_id": "d 1", "title": "...", "text": "..."}     title is optional
    queries.jsonl[.gz]         {"_id": "q1", "text": "..."}
    qrels/<split>.tsv[.gz]     query id, document id, relevance; tab-separated, with a header

Ids are strings and may contain spaces, but neither tabs nor line breaks.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from latent_terms.errors import LatentTermsError


class CollectionError(LatentTermsError):
    """A collection folder is incomplete, or one of its lines cannot be read."""


@dataclass(frozen=True)
class CollectionDocument:
    id: str
    text: str  # title, line break, text: what every run indexes


@dataclass(frozen=True)
class Collection:
    """One split of a collection. Documents are streamed from disk, queries and judgements held.

    `queries` holds exactly the queries that have a relevant document in the split, and `qrels`
    maps each of them to its judged documents (0 or less: judged, and not relevant).
    """

    folder: Path
    split: str
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def name(self) -> str:
        return self.folder.name

    @classmethod
    def read(
        cls, folder: str | os.PathLike[str], *, split: str = "test", corpus: bool = True
    ) -> Collection:
        """Read queries and judgements. Without `corpus` the folder need not hold the documents.

        Raises:
            CollectionError: a file is missing or unreadable, the split does not exist, a line is
                malformed, or a judged query has no text.
        """
        path = Path(folder).resolve()
        if not path.is_dir():
            raise CollectionError(f"{folder} is not a folder; expected a collection in BEIR layout")
        for required in ("corpus.jsonl", "queries.jsonl") if corpus else ("queries.jsonl",):
            _find(path, required)
        qrels_path = _find_qrels(path, split)
        qrels = _read_qrels(qrels_path)
        texts = {record["_id"]: record["text"] for record in _records(_find(path, "queries.jsonl"))}
        for query in qrels:
            if query not in texts:
                raise CollectionError(f"query {query!r} of {qrels_path} is not in queries.jsonl")
        return cls(path, split, {query: texts[query] for query in qrels}, qrels)

    def count_documents(self) -> int:
        """Lines of the corpus: what `documents` will yield, without reading what they hold."""
        return sum(1 for _ in _lines(_find(self.folder, "corpus.jsonl")))

    def documents(self) -> Iterator[CollectionDocument]:
        """Stream the corpus.

        Raises:
            CollectionError: a line is malformed, an id occurs twice, or, at the end, no document
                that the judgements name was found.
        """
        path = _find(self.folder, "corpus.jsonl")
        judged = {document for documents in self.qrels.values() for document in documents}
        seen: set[str] = set()
        for record in _records(path):
            if record["_id"] in seen:
                raise CollectionError(f"{path} holds document {record['_id']!r} twice")
            seen.add(record["_id"])
            title = record.get("title") or ""
            text = f"{title}\n{record['text']}" if title else record["text"]
            yield CollectionDocument(record["_id"], text)
        if judged.isdisjoint(seen):
            raise CollectionError(
                f"{path} holds none of the {len(judged)} documents judged in split {self.split!r}; "
                "corpus and qrels belong to different collections"
            )


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise CollectionError(
        f"{folder} has neither {name} nor {name}.gz; a collection in BEIR layout holds "
        "corpus.jsonl, queries.jsonl and qrels/<split>.tsv, each plain or .gz"
    )


def _find_qrels(folder: Path, split: str) -> Path:
    found = {path.name.split(".tsv")[0]: path for path in (folder / "qrels").glob("*.tsv*")}
    if split not in found:
        splits = ", ".join(sorted(found)) or "none"
        raise CollectionError(
            f"{folder} has no qrels/{split}.tsv or qrels/{split}.tsv.gz; splits there: {splits}"
        )
    return found[split]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of every line that is not blank."""
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as exc:
        raise CollectionError(f"{path} cannot be read: {exc}; fetch the file again") from exc


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")


def _records(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _lines(path):
        try:
            record = json.loads(line)
        except ValueError as exc:
            raise CollectionError(f"{path}, line {number}: not JSON ({exc})") from exc
        if not _is_record(record):
            raise CollectionError(
                f'{path}, line {number}: expected an object with strings "_id" and "text" '
                f'(and "title", if any), got {line[:80]}'
            )
        yield record


def _is_record(record: object) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("_id"), str)
        and isinstance(record.get("text"), str)
        and isinstance(record.get("title"), str | None)
    )


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgements by query, without the queries that have no relevant document."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        if number == 1 and line.split("\t")[-1].strip() == "score":
            continue
        query, document, relevance = _judgement(path, number, line)
        qrels.setdefault(query, {})[document] = relevance
    judged = {query: found for query, found in qrels.items() if max(found.values()) > 0}
    if not judged:
        raise CollectionError(f"{path} judges no document relevant; there is nothing to measure")
    return judged


def _judgement(path: Path, number: int, line: str) -> tuple[str, str, int]:
    columns = line.split("\t")
    try:
        query, document, relevance = columns
        return query, document, int(relevance)
    except ValueError as exc:
        raise CollectionError(
            f"{path}, line {number}: expected query id, document id and a whole number, "
            f"tab-separated, got {line[:80]!r}"
        ) from exc
