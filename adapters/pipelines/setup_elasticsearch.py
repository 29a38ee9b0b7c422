"""Inference endpoints of Elasticsearch that call the sidecar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PipelineRefused
from ..server.cluster import Answer, Cluster
from ..server.failures import failure, reason_of
from ..server.request import ServerRequest
from ..server.version import Server
from .elasticsearch import endpoints, example
from .pipelines import Names, Task, Wanted
from .setup import Installed, Part, send

_PROBES: Mapping[Task, Mapping[str, Any]] = {
    "completion": {"input": "a text"},
    "rerank": {"query": "a text", "input": ["a text"]},
}
_LICENCE = "license.expired.feature"
_TRIAL = ServerRequest("POST", "/_license/start_trial?acknowledge=true")


class ElasticsearchSetup:
    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self._names = names

    def installed(self) -> Installed:
        parts = [
            Part("endpoint", name, "there" if self._found(task) is not None else "missing")
            for task, name in self._names.endpoints.items()
        ]
        return Installed(self._names, tuple(parts))

    def example(self, text_fields: Sequence[str]) -> list[ServerRequest]:
        return example(self._names, text_fields)

    def requests(self, wanted: Wanted, *, attach: bool) -> list[ServerRequest]:
        self._check(attach)
        requests: list[ServerRequest] = []
        for task, body in endpoints(wanted).items():
            found = self._found(task)
            if found is None or not _is_as(found, body):
                requests += [ServerRequest("DELETE", self._path(task))] if found else []
                requests.append(ServerRequest("PUT", self._path(task), _without_key(body)))
        return requests

    def install(self, wanted: Wanted, *, attach: bool, renew: bool = False) -> None:
        self._check(attach)
        for task, body in endpoints(wanted).items():
            found = self._found(task)
            as_it_is = found is not None and not renew and _is_as(found, body)
            if as_it_is and self._works(task):
                continue
            if found is not None:
                self._cluster.request("DELETE", self._path(task))
            answer = self._cluster.request(
                "PUT", self._path(task), body=body, accept=range(400, 600)
            )
            if not answer.ok:
                raise refusal(answer, body["service_settings"]["url"])

    def removal(self) -> list[ServerRequest]:
        return [
            ServerRequest("DELETE", self._path(task))
            for task in self._names.endpoints
            if self._found(task) is not None
        ]

    def remove(self) -> None:
        send(self._cluster, self.removal())

    def _path(self, task: Task) -> str:
        return f"/_inference/{task}/{self._names.endpoints[task]}"

    def _found(self, task: Task) -> Mapping[str, Any] | None:
        answer = self._cluster.request("GET", self._path(task), accept=(404,))
        found: Mapping[str, Any] | None = answer.body["endpoints"][0] if answer.ok else None
        return found

    def _works(self, task: Task) -> bool:
        return self._cluster.request(
            "POST", self._path(task), body=_PROBES[task], accept=range(400, 600)
        ).ok

    def _check(self, attach: bool) -> None:
        """Raises PipelineRefused."""
        if attach:
            raise PipelineRefused(
                "Elasticsearch gets no ingest pipeline, so there is none to attach: write latent "
                "terms with latent-terms index or latent-terms backfill"
            )
        check_version(self._cluster.server)


def check_version(server: Server) -> None:
    """Raises PipelineRefused."""
    if server.version[:2] < (8, 19) or server.version[:2] == (9, 0):
        raise PipelineRefused(
            f"{server.name} has no inference service that calls the sidecar: 8.19, or 9.1 and "
            "later, have"
        )


def refusal(answer: Answer, url: str) -> Exception:
    """Of an endpoint, which Elasticsearch tries before it takes it."""
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if isinstance(error, dict) and _LICENCE in error:
        return PipelineRefused(
            f"The licence of this cluster does not include the inference API, by which "
            f"Elasticsearch calls the sidecar ({reason_of(answer.body)}). Have the client encode "
            "and rerank, as latent-terms search does, which needs no licence; or try the API for "
            "30 days:",
            (_TRIAL,),
        )
    if answer.status == 400:
        return PipelineRefused(
            f"Elasticsearch cannot use the sidecar at {url}: {reason_of(answer.body)}"
        )
    return failure(answer.status, answer.body, "PUT /_inference")


def _is_as(found: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether it was made by this body; its key is not to be seen."""
    there, wanted = found["service_settings"], body["service_settings"]
    return found["service"] == body["service"] and all(
        there.get(name) == wanted.get(name) for name in ("url", "request", "response")
    )


def _without_key(body: Mapping[str, Any]) -> dict[str, Any]:
    settings = dict(body["service_settings"])
    if "secret_parameters" in settings:
        settings["secret_parameters"] = {"api_key": "KEY OF THE SIDECAR"}
    if "api_key" in settings:
        settings["api_key"] = "KEY OF THE SIDECAR"
    return {**body, "service_settings": settings}
