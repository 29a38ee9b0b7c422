"""The sidecar as models of OpenSearch's ml-commons: registered, looked for, tried and removed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..doctor.calls import ML_NODES_ONLY, PRIVATE, TRUSTED
from ..errors import EngineUnavailable, PipelineRefused
from ..server.cluster import Answer, Cluster
from ..server.failures import reason_of
from ..server.request import ServerRequest
from .opensearch import QUERY
from .pipelines import Role

_MODELS = "/_plugins/_ml/models"
_READY = ("DEPLOYED", "PARTIALLY_DEPLOYED")
_SECONDS = 20.0
_MOST_MODELS = 100
_PROBES: Mapping[Role, Mapping[str, Any]] = {
    "documents": {"input": ["a text"]},
    "queries": {QUERY: ["a text"]},
    "rerank": {"query": "a text", "documents": ["a text"]},
}


@dataclass(frozen=True)
class Model:
    id: str
    name: str
    state: str
    connector: Mapping[str, Any]

    def is_as(self, body: Mapping[str, Any]) -> bool:
        """Whether it was registered by this body; its key is not to be seen."""
        wanted = {name: value for name, value in body["connector"].items() if name != "credential"}
        return _covers(self.connector, wanted)


def find(cluster: Cluster, names: Iterable[str]) -> list[Model]:
    """All models of these names, the latest first."""
    body = {
        "query": {"terms": {"name.keyword": list(names)}},
        "sort": [{"created_time": "desc"}],
        "size": _MOST_MODELS,
    }
    answer = cluster.request("POST", f"{_MODELS}/_search", body=body, accept=(404,))
    hits = answer.body["hits"]["hits"] if answer.ok else []
    return [
        Model(
            hit["_id"],
            hit["_source"]["name"],
            hit["_source"].get("model_state", ""),
            hit["_source"].get("connector", {}),
        )
        for hit in hits
    ]


def register_request(body: Mapping[str, Any]) -> ServerRequest:
    return ServerRequest("POST", f"{_MODELS}/_register?deploy=true", body)


def ensure(cluster: Cluster, role: Role, body: Mapping[str, Any], known: Sequence[Model]) -> str:
    """The id of a model that works: a known one that was registered by this body, else a new one.

    Raises PipelineRefused.
    """
    for model in known:
        if model.name == body["name"] and model.is_as(body):
            if model.state not in _READY:
                cluster.request("POST", f"{_MODELS}/{model.id}/_deploy")
            if _try(cluster, model.id, role).ok:
                return model.id
    id = _register(cluster, body)
    with ExitStack() as unless_it_works:
        unless_it_works.callback(remove, cluster, id)
        answer = _try(cluster, id, role)
        if not answer.ok:
            raise _refused(cluster, body, answer)
        unless_it_works.pop_all()
    return id


def removal(id: str) -> list[ServerRequest]:
    undeploy = ServerRequest("POST", f"{_MODELS}/{id}/_undeploy")
    return [undeploy, ServerRequest("DELETE", f"{_MODELS}/{id}")]


def remove(cluster: Cluster, id: str) -> None:
    """A model cannot be deleted while it is being deployed, so this may take a moment."""
    undeploy, delete = removal(id)
    for _ in _until(f"the model {id} cannot be deleted: it is still being deployed"):
        cluster.request(undeploy.method, undeploy.path, accept=(404,))
        if cluster.request(delete.method, delete.path, accept=(400, 404)).status != 400:
            return


def _register(cluster: Cluster, body: Mapping[str, Any]) -> str:
    request = register_request(body)
    answer = cluster.request(request.method, request.path, body=body, accept=(400,))
    if not answer.ok:
        raise _refused(cluster, body, answer)
    return str(answer.body["model_id"])


def _try(cluster: Cluster, id: str, role: Role) -> Answer:
    """One call to the sidecar by way of the cluster; before it is deployed, a call would deploy
    it a second time, and one of the two fails."""
    for _ in _until(f"the model {id} is not deployed after {_SECONDS:g} seconds"):
        if cluster.request("GET", f"{_MODELS}/{id}").body.get("model_state") in _READY:
            break
    body = {"parameters": _PROBES[role]}
    return cluster.request("POST", f"{_MODELS}/{id}/_predict", body=body, accept=range(400, 600))


def _refused(cluster: Cluster, body: Mapping[str, Any], answer: Answer) -> PipelineRefused:
    url = body["connector"]["actions"][0]["url"]
    reason = reason_of(answer.body)
    changes = _changes(cluster, url, reason)
    said = f"OpenSearch cannot use the sidecar at {url}: {reason}."
    if not changes:
        return PipelineRefused(f"{said} Correct that, and run it again.")
    request = ServerRequest("PUT", "/_cluster/settings", {"persistent": changes})
    return PipelineRefused(f"{said} Send this, and run it again:", (request,))


def _changes(cluster: Cluster, url: str, reason: str) -> dict[str, Any]:
    """Of the cluster's settings, where they are the reason."""
    if "trusted connector endpoint" in reason:
        return {TRUSTED: [*_trusted(cluster), f"^{re.escape(_base(url))}.*$"]}
    if "private ip" in reason:
        return {PRIVATE: True}
    return {ML_NODES_ONLY: False} if "No eligible node" in reason else {}


def _base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _trusted(cluster: Cluster) -> list[str]:
    """Patterns of addresses that may be called; a setting replaces them all."""
    params = {"include_defaults": True, "flat_settings": True}
    scopes = cluster.request("GET", "/_cluster/settings", params=params).body
    found = [scopes[scope].get(TRUSTED) for scope in ("transient", "persistent", "defaults")]
    return next((patterns for patterns in found if patterns), [])


def _until(complaint: str) -> Iterator[None]:
    """Raises EngineUnavailable when the time is over."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        yield
        time.sleep(0.1)
    raise EngineUnavailable(f"{complaint}: look at the server's log")


def _covers(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; the server adds what is default."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _covers(found.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_covers, found, wanted))
    return bool(found == wanted)
