"""POST /v1/encode and /v1/embeddings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray

from rerank_service.answers import Answer
from rerank_service.encoding import EncodedText, Need
from rerank_service.errors import EncodingFailed, Invalid, TooLarge
from rerank_service.routing import json_router
from rerank_service.schemas_encode import (
    EmbeddingsAnswer,
    EmbeddingsRequest,
    EncodeAnswer,
    EncodeRequest,
)
from rerank_service.service import Service


def encode_routes(service: Service) -> APIRouter:
    router = json_router(max_nesting=service.settings.max_nesting, tag="encode")

    @router.post(
        "/v1/encode",
        summary="Latent terms of documents or queries",
        responses={200: {"model": EncodeAnswer | list[dict[str, int]]}},
    )
    async def encode(body: EncodeRequest) -> Answer:
        texts = await _encode(service, body)
        if body.format == "maps":
            return Answer([dict(text.terms) for text in texts])
        items = [_item(text, n, body, service.model) for n, text in enumerate(texts)]
        return Answer(
            {
                "object": "list",
                "model": service.encoder.name,
                "fingerprint": service.encoder.fingerprint,
                "data": items,
                "usage": _usage(texts),
            }
        )

    @router.post(
        "/v1/embeddings",
        summary="The pooled vector of each text, as OpenAI's API gives it",
        responses={200: {"model": EmbeddingsAnswer}},
    )
    async def embeddings(body: EmbeddingsRequest) -> Answer:
        texts = await _embed(service, body)
        shape = _base64 if body.encoding_format == "base64" else _numbers
        items = [
            {"object": "embedding", "index": n, "embedding": shape(text.pooled)}
            for n, text in enumerate(texts)
        ]
        model = service.encoder.name
        return Answer({"object": "list", "model": model, "data": items, "usage": _usage(texts)})

    return router


async def _encode(service: Service, body: EncodeRequest) -> list[EncodedText]:
    check_count(len(body.input), service)
    if body.fingerprint not in (None, service.encoder.fingerprint):
        raise Invalid(
            f"fingerprint is {body.fingerprint!r}, and this service runs {service.model}: start it "
            "with the model of the index"
        )
    documents = body.input_type == "document"
    deadline = service.deadline(body.timeout_ms, documents=documents)
    kept = service.kept if documents and service.kept.keeps else None
    tokens = service.settings.tokens_per_document if body.vectors or kept else 0
    return whole(
        await service.encoding.encode(
            body.input,
            side=body.input_type,
            need=Need(terms=True, vector_tokens=tokens),
            deadline=deadline,
            keep=kept.keep if kept else lambda _: None,
        )
    )


async def _embed(service: Service, body: EmbeddingsRequest) -> list[EncodedText]:
    dimensions = service.encoder.manifest.backbone.dimensions
    if body.dimensions not in (None, dimensions):
        raise Invalid(f"dimensions is {body.dimensions}: this model has {dimensions}")
    check_count(len(body.input), service)
    return whole(
        await service.encoding.encode(
            body.input,
            side=body.input_type,
            need=Need(pooled=True),
            deadline=service.deadline(body.timeout_ms, documents=body.input_type == "document"),
        )
    )


def check_count(count: int, service: Service) -> None:
    """Raises TooLarge."""
    most = service.settings.max_documents
    if count > most:
        raise TooLarge(
            f"{count:,} texts are in the request, and it may have {most:,}: send fewer at a time, "
            "or raise LATENT_TERMS_MAX_DOCUMENTS"
        )


def whole(texts: Sequence[EncodedText | EncodingFailed]) -> list[EncodedText]:
    """Raises EncodingFailed where one failed: the clients have no place for half an answer."""
    failed = [n for n, text in enumerate(texts) if isinstance(text, EncodingFailed)]
    if failed:
        shown = ", ".join(map(str, failed[:10]))
        raise EncodingFailed(
            f"the model failed on {len(failed)} of {len(texts)} texts, at {shown}: "
            "send the others without them"
        )
    return [text for text in texts if isinstance(text, EncodedText)]


def _item(text: EncodedText, index: int, body: EncodeRequest, model: str) -> dict[str, Any]:
    terms = text.terms
    item: dict[str, Any] = {"index": index, "model": model, "tokens": text.tokens}
    if body.echo:
        item["text"] = body.input[index]
    if body.input_type == "query":
        item["latent_query"] = terms.spell()
    else:
        frequencies = body.spelling == "frequencies"
        item["latent_text"] = terms.spell_frequencies() if frequencies else terms.spell()
    if body.format == "terms":
        item["terms"] = dict(terms)
    if body.format == "sparse":
        item["embedding"] = [{"token": term, "weight": n} for term, n in terms.items()]
    if body.vectors:
        halves = text.vectors.vectors
        data = base64.b64encode(halves.astype("<f2").tobytes()).decode("ascii")
        item["vectors"] = {"dtype": "float16", "shape": halves.shape, "data": data}
    return item


def _usage(texts: Sequence[EncodedText]) -> dict[str, int]:
    tokens = sum(text.tokens for text in texts)
    return {"prompt_tokens": tokens, "total_tokens": tokens}


def _base64(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _numbers(vector: NDArray[np.float32]) -> list[float]:
    return [round(number, 7) for number in vector.tolist()]
