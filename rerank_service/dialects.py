"""One reranking in four ways of writing it down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rerank_service.reranking import Reranked


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What of a reranking is to be written, and what it is about."""

    documents: Sequence[Any]
    """As they came."""
    texts: Sequence[str]
    results: int | None
    """How many; None: all."""
    with_documents: bool
    model: str
    fingerprint: str
    request_id: str
    api_version: str


def tei(done: Reranked, wanted: Wanted) -> list[dict[str, Any]]:
    """text-embeddings-inference; ``relevance_score`` is for OpenSearch's default post-process."""
    return [
        {"index": n, "score": done.scores[n], "relevance_score": done.scores[n]}
        | ({"text": wanted.texts[n]} if wanted.with_documents else {})
        for n in _best(done, wanted)
    ]


def cohere(done: Reranked, wanted: Wanted) -> dict[str, Any]:
    """Cohere v1 and v2, Jina, vLLM, Infinity."""
    return {
        "id": wanted.request_id,
        "object": "list",
        "model": wanted.model,
        "fingerprint": wanted.fingerprint,
        "results": [
            {"index": n, "relevance_score": done.scores[n]}
            | ({"document": _as_object(wanted, n)} if wanted.with_documents else {})
            for n in _best(done, wanted)
        ],
        "scores": done.scores,
        "score_type": done.score_type,
        "rerank_status": done.status,
        "fallback_reason": done.reason,
        "notes": list(done.notes),
        "cached_documents": done.cached,
        "truncated": done.truncated,
        "empty": done.empty,
        "failed": done.failed,
        "meta": {
            "api_version": {"version": wanted.api_version},
            "billed_units": {"search_units": 1},
            "warnings": list(done.notes),
        },
        "usage": _usage(done),
    }


def voyage(done: Reranked, wanted: Wanted) -> dict[str, Any]:
    """Voyage reads ``data``, where documents are plain text; the rest is beside it."""
    data = [
        {"index": n, "relevance_score": done.scores[n]}
        | ({"document": wanted.texts[n]} if wanted.with_documents else {})
        for n in _best(done, wanted)
    ]
    return cohere(done, wanted) | {"data": data}


def mixedbread(done: Reranked, wanted: Wanted) -> dict[str, Any]:
    best = _best(done, wanted)
    return {
        "usage": _usage(done),
        "model": wanted.model,
        "data": [
            {
                "index": n,
                "score": done.scores[n],
                "input": wanted.documents[n] if wanted.with_documents else None,
                "object": "rank_result",
            }
            for n in best
        ],
        "object": "list",
        "top_k": len(best),
        "return_input": wanted.with_documents,
    }


def _best(done: Reranked, wanted: Wanted) -> list[int]:
    return done.order()[: wanted.results]


def _as_object(wanted: Wanted, n: int) -> dict[str, Any]:
    document = wanted.documents[n]
    return document if isinstance(document, dict) else {"text": wanted.texts[n]}


def _usage(done: Reranked) -> dict[str, int]:
    return {"prompt_tokens": done.tokens, "total_tokens": done.tokens}
