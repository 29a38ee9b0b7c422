"""Ingest and search pipelines of OpenSearch, and the models that they call the sidecar by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..backfill.target import Target, find_target
from ..errors import PipelineRefused
from ..server.cluster import Cluster
from ..server.request import ServerRequest
from ..server.version import Server
from . import models as pipeline_models
from . import opensearch as pipelines_opensearch
from .pipelines import ROLES, Names, Role, Wanted
from .setup import Installed, Kind, Part, field_requests, send

PLUGINS = ("opensearch-ml", "opensearch-neural-search")
_DEFAULT = "index.default_pipeline"
_HIDDEN = {"key": "KEY OF THE SIDECAR"}


class OpenSearchSetup:
    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self._names = names

    def installed(self) -> Installed:
        names = self._names
        models = {model.name: model for model in reversed(self._models())}
        parts = [
            Part("model", name, models[name].state.lower(), models[name].id)
            if name in models
            else Part("model", name, "missing")
            for name in names.models.values()
        ]
        parts.append(self._pipeline("ingest pipeline", names.base, _ingest(names.base)))
        for name in (names.base, names.reranking):
            parts.append(self._pipeline("search pipeline", name, _search(name)))
        return Installed(names, tuple(parts), attached=self._default() == names.base)

    def example(self, text_fields: Sequence[str]) -> list[ServerRequest]:
        return pipelines_opensearch.example(self._names, text_fields)

    def requests(self, wanted: Wanted, *, attach: bool) -> list[ServerRequest]:
        self._check_server()
        bodies = pipelines_opensearch.models(wanted)
        known = self._models()
        ids: dict[Role, str] = {}
        registrations: list[ServerRequest] = []
        for role, body in bodies.items():
            same = [model.id for model in known if model.name == body["name"] and model.is_as(body)]
            ids[role] = same[0] if same else f"ID OF {body['name']}"
            if not same:
                registrations.append(pipeline_models.register_request(_without_key(body)))
        return [
            *field_requests(self._target(wanted)),
            *registrations,
            *_pipelines(wanted, ids),
            *(self._attaching() if attach else ()),
        ]

    def install(self, wanted: Wanted, *, attach: bool, renew: bool = False) -> None:
        self._check_server()
        attaching = self._attaching() if attach else []
        target = self._target(wanted)
        field_requests(target)  # what it refuses is refused before anything is made
        bodies = pipelines_opensearch.models(wanted)
        known = self._models()
        usable = [] if renew else known
        ids = {
            role: pipeline_models.ensure(self._cluster, role, bodies[role], usable)
            for role in ROLES
        }
        send(self._cluster, [*field_requests(target), *_pipelines(wanted, ids), *attaching])
        for model in known:
            if model.id not in ids.values():
                pipeline_models.remove(self._cluster, model.id)

    def removal(self) -> list[ServerRequest]:
        names = self._names
        paths = (_ingest(names.base), _search(names.base), _search(names.reranking))
        requests = self._detaching()
        requests += [ServerRequest("DELETE", path) for path in paths if self._is_there(path)]
        for model in self._models():
            requests += pipeline_models.removal(model.id)
        return requests

    def remove(self) -> None:
        names = self._names
        send(self._cluster, self._detaching())
        for path in (_ingest(names.base), _search(names.base), _search(names.reranking)):
            self._cluster.request("DELETE", path, accept=(404,))
        for model in self._models():
            pipeline_models.remove(self._cluster, model.id)

    def _models(self) -> list[pipeline_models.Model]:
        return pipeline_models.find(self._cluster, self._names.models.values())

    def _target(self, wanted: Wanted) -> Target:
        latent = wanted.latent
        return find_target(
            self._cluster,
            wanted.index,
            fingerprint=latent.fingerprint,
            model=latent.model,
            text_fields=latent.text_fields,
        )

    def _pipeline(self, kind: Kind, name: str, path: str) -> Part:
        return Part(kind, name, "there" if self._is_there(path) else "missing")

    def _is_there(self, path: str) -> bool:
        return self._cluster.request("GET", path, accept=(404,)).ok

    def _default(self) -> str | None:
        """The ingest pipeline that the index uses; None: it uses none, or there is no index."""
        path = f"/{quote(self._names.index, safe='')}/_settings/{_DEFAULT}"
        answer = self._cluster.request("GET", path, params={"flat_settings": True}, accept=(404,))
        found = [entry["settings"] for entry in answer.body.values()] if answer.ok else []
        name = found[0].get(_DEFAULT) if found else None
        return None if name == "_none" else name

    def _attaching(self) -> list[ServerRequest]:
        name, other = self._names.base, self._default()
        if other not in (None, name):
            processor = {"pipeline": {"name": name}}
            raise PipelineRefused(
                f"{self._names.index} has the ingest pipeline {other!r} already: add the processor "
                f"{processor} to that, or leave out --attach and write by ?pipeline={name}"
            )
        return [] if other == name else [self._setting(name)]

    def _detaching(self) -> list[ServerRequest]:
        """First: OpenSearch deletes a pipeline in use, and refuses every write from then on."""
        return [self._setting(None)] if self._default() == self._names.base else []

    def _setting(self, name: str | None) -> ServerRequest:
        path = f"/{quote(self._names.index, safe='')}/_settings"
        return ServerRequest("PUT", path, {_DEFAULT: name})

    def _check_server(self) -> None:
        check_version(self._cluster.server)
        found = self._cluster.request("GET", "/_cat/plugins", params={"format": "json"}).body
        check_plugins(plugin["component"] for plugin in found)


def check_version(server: Server) -> None:
    """Raises PipelineRefused. 2.19 does not take the text to rerank by from an answer."""
    if server.version[0] < 3:
        raise PipelineRefused(
            f"{server.name} does not run these pipelines, OpenSearch 3 does. Have the client "
            "encode and rerank, as latent-terms search does"
        )


def check_plugins(found: Iterable[str]) -> None:
    """Raises PipelineRefused where one is missing by which OpenSearch calls the sidecar."""
    lacking = sorted(set(PLUGINS) - set(found))
    if lacking:
        commands = "; ".join(f"opensearch-plugin install {name}" for name in lacking)
        raise PipelineRefused(
            f"OpenSearch lacks {' and '.join(lacking)}, by which it calls the sidecar. On every "
            f"node: {commands}"
        )


def _pipelines(wanted: Wanted, ids: Mapping[Role, str]) -> list[ServerRequest]:
    bodies = pipelines_opensearch
    names = wanted.names
    documents, queries, rerank = (ids[role] for role in ROLES)
    return [
        ServerRequest("PUT", _ingest(names.base), bodies.ingest_pipeline(wanted, documents)),
        ServerRequest("PUT", _search(names.base), bodies.search_pipeline(wanted, queries)),
        ServerRequest(
            "PUT", _search(names.reranking), bodies.reranking_pipeline(wanted, queries, rerank)
        ),
    ]


def _without_key(body: Mapping[str, Any]) -> dict[str, Any]:
    connector = body["connector"]
    if "credential" in connector:
        connector = connector | {"credential": _HIDDEN}
    return {**body, "connector": connector}


def _ingest(name: str) -> str:
    return f"/_ingest/pipeline/{quote(name, safe='')}"


def _search(name: str) -> str:
    return f"/_search/pipeline/{quote(name, safe='')}"
