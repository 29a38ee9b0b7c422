"""A client of the service for Python programs: an encoder and a reranker over HTTP.

It stands wherever ``latent_terms.TermEncoder`` and ``rerank_service.local.LocalReranker`` do. What
it raises is an ``OSError``, so that a search can do without it and say why::

    ServiceUnavailable   a ConnectionError: down, overloaded or stopping, also after retries
    ServiceLate          a TimeoutError: no answer in time
    ServiceRefused       the request, the text or the key, or the model is not the one of before
"""

from __future__ import annotations

import random
import ssl
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import httpx

from rerank_service.errors import ServiceError
from rerank_service.ranked import Reranking

_AGAIN = {429, 502, 503}
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_TEXTS_AT_ONCE = 64
_CHARACTERS_AT_ONCE = 1 << 17
_IN_FLIGHT = 2


class ServiceUnavailable(ServiceError, ConnectionError):
    status, kind = 503, "Unhealthy"


class ServiceLate(ServiceError, TimeoutError):
    status, kind = 504, "Timeout"


class ServiceRefused(ServiceError, OSError):
    status, kind = 422, "Validation"


class Client:
    """Safe to use from several threads. Close it, or use it in a ``with`` block."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 5.0,
        document_timeout: float = 60.0,
        ca_certs: str | None = None,
    ) -> None:
        """``timeout``: seconds for a query or a rerank, retries and all; ``document_timeout``:
        for each batch of documents.
        """
        self._timeout = timeout
        self._document_timeout = document_timeout
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        trusted = True if ca_certs is None else ssl.create_default_context(cafile=ca_certs)
        self._http = httpx.Client(base_url=url, headers=headers, verify=trusted)
        self._url = url
        self._fingerprint: str | None = None

    @property
    def fingerprint(self) -> str:
        """Of the service's model; asked for once, and held against every answer."""
        if self._fingerprint is None:
            self._fingerprint = str(self.info()["fingerprint"])
        return self._fingerprint

    def info(self) -> dict[str, Any]:
        """Model, limits and version of the service."""
        answer: dict[str, Any] = self._ask("GET", "/v1/info", None, self._timeout)
        return answer

    def encode_query(self, text: str) -> dict[str, int]:
        """Terms and their frequencies, the most telling first."""
        return self._encode([text], "query", self._timeout)[0]

    def encode_documents(self, texts: Iterable[str]) -> Iterator[dict[str, int]]:
        """Terms of each text in order; reads at most three batches ahead."""
        with ThreadPoolExecutor(_IN_FLIGHT, "encode") as pool:
            flying: deque[Future[list[dict[str, int]]]] = deque()
            for batch in _batches(texts):
                flying.append(pool.submit(self._encode, batch, "document", self._document_timeout))
                if len(flying) > _IN_FLIGHT:
                    yield from flying.popleft().result()
            while flying:
                yield from flying.popleft().result()

    def rerank(self, query: str, documents: Sequence[str]) -> Reranking:
        """A score for each document, in order."""
        body = {"query": query, "documents": list(documents)}
        answer = self._checked(self._ask("POST", "/v2/rerank", body, self._timeout))
        return Reranking(
            scores=tuple(answer["scores"]),
            reason=answer["fallback_reason"],
            notes=tuple(answer["notes"]),
            cached=answer["cached_documents"],
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _encode(self, texts: list[str], side: str, timeout: float) -> list[dict[str, int]]:
        body = {"input": texts, "input_type": side, "format": "terms"}
        answer = self._checked(self._ask("POST", "/v1/encode", body, timeout))
        return [item["terms"] for item in answer["data"]]

    def _checked(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Terms and vectors of two models must not meet."""
        if answer["fingerprint"] != self.fingerprint:
            raise ServiceRefused(
                f"{self._url} has changed its model from {self.fingerprint} to "
                f"{answer['fingerprint']}: make a new client, and index anew"
            )
        return answer

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Any:
        """Try until it works or the time is up, with pauses that grow and are drawn by chance."""
        end = time.monotonic() + timeout
        longest = _FIRST_PAUSE
        while True:
            try:
                return self._try(method, path, body, end)
            except ServiceUnavailable as exc:
                pause = max(random.uniform(0, longest), exc.retry_after or 0)
                if time.monotonic() + pause >= end:
                    raise
            time.sleep(pause)
            longest = min(2 * longest, _LONGEST_PAUSE)

    def _try(self, method: str, path: str, body: dict[str, Any] | None, end: float) -> Any:
        left = max(end - time.monotonic(), 0.001)
        # The service gives up when we do, and computes nothing for nobody.
        content = None if body is None else body | {"timeout_ms": max(int(1000 * left), 1)}
        try:
            answer = self._http.request(method, path, json=content, timeout=left)
        except httpx.TimeoutException as exc:
            raise ServiceLate(f"{self._url}{path} did not answer in time") from exc
        except httpx.TransportError as exc:
            raise ServiceUnavailable(f"{self._url} cannot be reached ({exc})") from exc
        if answer.is_success:
            return answer.json()
        raise self._failure(answer, path)

    def _failure(self, answer: httpx.Response, path: str) -> ServiceError:
        said = f"{self._url}{path} answered {answer.status_code}: {_message(answer)}"
        if answer.status_code in _AGAIN:
            seconds = answer.headers.get("retry-after", "")
            return ServiceUnavailable(said, retry_after=int(seconds) if seconds.isdigit() else None)
        return ServiceLate(said) if answer.status_code == 504 else ServiceRefused(said)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == _TEXTS_AT_ONCE or characters + len(text) > _CHARACTERS_AT_ONCE):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
