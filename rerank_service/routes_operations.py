"""Routes for those who run the service: is it alive, is it ready, what does it do and hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

import latent_terms
from rerank_service.answers import Answer
from rerank_service.errors import Stopping
from rerank_service.routing import ERRORS, Responses
from rerank_service.service import Service

_LIMITS = (
    "max_body_bytes",
    "max_documents",
    "max_nesting",
    "request_tokens",
    "queue_tokens",
    "query_tokens",
    "tokens_per_document",
    "timeout_ms",
    "document_timeout_ms",
)


def operations(service: Service) -> APIRouter:
    router = APIRouter(tags=["operations"])
    refusals: Responses = {401: ERRORS[401], 503: ERRORS[503]}

    @router.get("/health/live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(
        "/health/ready",
        summary="The model is warm, and requests are welcome",
        responses=refusals,
    )
    @router.get("/health", include_in_schema=False)
    async def ready() -> dict[str, str]:
        if not service.ready:
            raise Stopping("not ready: starting or shutting down", retry_after=1)
        return {"status": "ready"}

    @router.get(
        "/metrics",
        summary="Numbers in Prometheus' text format",
        response_class=PlainTextResponse,
        responses=refusals,
    )
    def metrics() -> Response:
        return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    @router.get("/v1/info", summary="Model, fingerprint, limits", responses=refusals)
    async def info() -> Answer:
        return Answer(_info(service))

    return router


def _info(service: Service) -> dict[str, Any]:
    manifest = service.encoder.manifest
    return {
        "service": "latent-terms",
        "version": latent_terms.__version__,
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        "languages": list(manifest.languages),
        "dimensions": manifest.backbone.dimensions,
        "window_tokens": manifest.backbone.max_tokens,
        "rerank_modes": ["maxsim"],
        "keeps_vectors": service.kept.keeps,
        "limits": {
            each.name: getattr(service.settings, each.name)
            for each in fields(service.settings)
            if each.name in _LIMITS
        },
    }
