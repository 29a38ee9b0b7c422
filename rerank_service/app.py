"""The application: a service, its routes, and its errors as answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

import latent_terms
from latent_terms import TermEncoder
from rerank_service.answers import answer_of, error_answer, faults
from rerank_service.errors import Invalid, ServiceError
from rerank_service.gateway import Gateway
from rerank_service.routes_encode import encode_routes
from rerank_service.routes_operations import operations
from rerank_service.routes_rerank import rerank_routes
from rerank_service.service import Service
from rerank_service.settings import Settings
from rerank_service.tracing import Tracing


def create_app(encoder: TermEncoder, settings: Settings, tracing: Tracing | None = None) -> FastAPI:
    """The application around a loaded model; ``app.state.service`` is what it holds.

    ``tracing`` is another than that of the settings. Raises SettingsRejected for a store, a file
    of keys or traces that cannot be used.
    """
    service = Service(encoder, settings, tracing)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="latent-terms",
        summary="Latent terms for text fields, and reranking by MaxSim.",
        version=latent_terms.__version__,
        docs_url=None,  # its page would fetch scripts from elsewhere
        redoc_url=None,
        # The gateway checks the key; this puts it into the document.
        dependencies=[Security(HTTPBearer(auto_error=False))] if service.keys else [],
        lifespan=lifespan,
    )
    app.state.service = service
    for router in (operations(service), encode_routes(service), rerank_routes(service)):
        app.include_router(router)
    app.add_middleware(Gateway, service=service)
    _answer_errors(app, service)
    return app


def _answer_errors(app: FastAPI, service: Service) -> None:
    @app.exception_handler(ServiceError)
    async def of_service(request: Request, error: ServiceError) -> Response:
        service.metrics.rejected.labels(type(error).__name__).inc()
        return answer_of(error, request.state.request_id)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> Response:
        return await of_service(request, Invalid(faults(error)))

    @app.exception_handler(HTTPException)
    async def of_routing(request: Request, error: HTTPException) -> Response:
        service.metrics.rejected.labels("Routing").inc()
        answer = error_answer(
            error.status_code,
            f"{error.detail}: {request.method} {request.url.path}; /openapi.json lists the routes",
            kind="Validation",
            request_id=request.state.request_id,
        )
        answer.headers.update(error.headers or {})
        return answer
