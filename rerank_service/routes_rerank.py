"""POST /rerank, /v1/rerank, /v2/rerank and /v1/reranking: one implementation, everyone's words."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from rerank_service.answers import Answer
from rerank_service.dialects import Wanted, cohere, mixedbread, tei, voyage
from rerank_service.errors import EmptyBatch, Invalid
from rerank_service.records import TokenVectors
from rerank_service.reranking import Reranked, RerankJob
from rerank_service.routes_encode import check_count
from rerank_service.routing import Responses, json_router
from rerank_service.schemas_encode import PackedVectors
from rerank_service.schemas_rerank import (
    MixedbreadAnswer,
    RerankAnswer,
    RerankRequest,
    TeiResult,
)
from rerank_service.service import Service

Dialect = Callable[[Reranked, Wanted], Any]

_MODE = "maxsim"


def rerank_routes(service: Service) -> APIRouter:
    router = json_router(max_nesting=service.settings.max_nesting, tag="rerank")
    answers: Responses = {200: {"model": RerankAnswer | list[TeiResult] | MixedbreadAnswer}}

    def mount(path: str, summary: str) -> None:
        async def rerank(body: RerankRequest, request: Request) -> Answer:
            return await _rerank(service, body, path, request.state.request_id)

        router.add_api_route(
            path,
            rerank,
            methods=["POST"],
            summary=summary,
            responses=answers,
            response_model=None,
            operation_id=path.strip("/").replace("/", "_"),
        )

    mount("/rerank", "Rerank, as text-embeddings-inference, Infinity and vLLM do")
    mount("/v1/rerank", "Rerank, as Cohere v1, Jina and Voyage do")
    mount("/v2/rerank", "Rerank, as Cohere v2 does")
    mount("/v1/reranking", "Rerank, as Mixedbread does")
    return router


async def _rerank(service: Service, body: RerankRequest, path: str, request_id: str) -> Answer:
    documents = _documents(body)
    check_count(len(documents), service)
    if not documents and body.texts is not None:
        raise EmptyBatch("texts is empty: give at least one")
    job = _job(body, documents, service)
    done = await service.reranker.rerank(job, deadline=service.deadline(body.timeout_ms))
    wanted = Wanted(
        documents=documents,
        texts=job.documents,
        results=body.top_n or body.top_k or None,
        with_documents=bool(body.return_documents or body.return_text or body.return_input),
        model=service.encoder.name,
        fingerprint=service.encoder.fingerprint,
        request_id=request_id,
        api_version="1" if path.startswith("/v1") else "2",
    )
    headers: dict[str, str] = {"X-Rerank-Status": done.status}
    if done.notes:
        headers["X-Rerank-Notes"] = "; ".join(done.notes)
    return Answer(_dialect(body, path)(done, wanted), headers=headers)


def _dialect(body: RerankRequest, path: str) -> Dialect:
    if body.texts is not None:
        return tei
    if body.input is not None or path == "/v1/reranking":
        return mixedbread
    if body.top_k is not None or body.truncation is not None:
        return voyage
    return voyage if path == "/v1/rerank" and body.top_n is None else cohere  # Voyage has no top_n


def _documents(body: RerankRequest) -> list[Any]:
    given = next(x for x in (body.documents, body.texts, body.input) if x is not None)
    return given if isinstance(given, list) else [given]


def _job(body: RerankRequest, documents: Sequence[Any], service: Service) -> RerankJob:
    if body.mode not in (None, _MODE):
        raise Invalid(f'mode is {body.mode!r}: "{_MODE}" is the only one')
    return RerankJob(
        query=body.query,
        documents=[_text(document, n, body.rank_fields) for n, document in enumerate(documents)],
        vectors=_vectors(body.vectors, len(documents), service),
        tokens_per_document=body.max_tokens_per_doc or service.settings.tokens_per_document,
        raw_scores=body.raw_scores,
        truncate=body.truncate is not False and body.truncation is not False,
        pass_through=body.on_error == "passthrough",
        notes=[
            f"{name} was not used: mode {_MODE} ranks by the query alone"
            for name in ("instruction", "metadata", "now")
            if getattr(body, name)
        ],
    )


def _text(document: str | dict[str, Any], index: int, fields: Sequence[str] | None) -> str:
    """The text of a document; of an object, its fields in the order that they are asked for."""
    if isinstance(document, str):
        return document
    values = [_as_text(document.get(field)) for field in fields or ["text"]]
    if not fields and not isinstance(document.get("text"), str):
        raise Invalid(f"document {index} is an object without text: name its fields in rank_fields")
    return "\n".join(value for value in values if value)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _vectors(
    packed: Sequence[PackedVectors | None] | None, count: int, service: Service
) -> list[TokenVectors | None]:
    if packed is None:
        return []
    if len(packed) != count:
        raise Invalid(f"vectors has {len(packed)} entries for {count} documents: give one each")
    dimensions = service.encoder.manifest.backbone.dimensions
    return [
        None if each is None else _unpacked(each, index, dimensions)
        for index, each in enumerate(packed)
    ]


def _unpacked(packed: PackedVectors, index: int, dimensions: int) -> TokenVectors:
    try:
        halves = np.frombuffer(base64.b64decode(packed.data, validate=True), "<f2")
    except (binascii.Error, ValueError) as exc:
        raise Invalid(f"vectors {index}: data is not base64 of float16 ({exc})") from exc
    tokens, size = packed.shape
    if size != dimensions or halves.size != tokens * size or tokens < 0:
        raise Invalid(
            f"vectors {index}: shape is {list(packed.shape)} for {halves.size} numbers, and this "
            f"model has {dimensions} dimensions"
        )
    if not np.isfinite(halves).all():
        raise Invalid(f"vectors {index}: a number is not finite")
    return TokenVectors(halves.reshape(tokens, size).astype(np.float16), whole=True)
