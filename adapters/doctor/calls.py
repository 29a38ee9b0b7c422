"""What the cluster itself runs for an index: pipelines, the models in them, calls to a sidecar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from ..server.request import ServerRequest, index_path
from .examination import Case
from .finding import Finding

_INGEST = ("index.default_pipeline", "index.final_pipeline")
_SEARCH = "index.search.default_pipeline"
_NONE = "_none"

_ML = "plugins.ml_commons"
TRUSTED = f"{_ML}.trusted_connector_endpoints_regex"
PRIVATE = f"{_ML}.connector.private_ip_enabled"
ML_NODES_ONLY = f"{_ML}.only_run_on_ml_node"


def pipelines(case: Case) -> Iterator[Finding]:
    named = False
    for index, settings in case.index_settings.items():
        for setting in (*_INGEST, _SEARCH):
            name = settings.get(setting, _NONE)
            if name != _NONE:
                named = True
                yield from _pipeline(case, index, setting, name)
    if not named:
        said = "The index has no pipeline: latent terms are written by the loader."
        yield Finding("pipelines", "ok", said)


def _pipeline(case: Case, index: str, setting: str, name: str) -> Iterator[Finding]:
    kind = "search" if setting == _SEARCH else "ingest"
    found = case.get(f"/_{kind}/pipeline/{quote(name, safe='')}")
    if not found:
        said = f"{setting} of {index} names the pipeline {name!r}, which does not exist"
        what = "every write is refused" if kind == "ingest" else "every search is refused"
        request = ServerRequest("PUT", index_path(index, "_settings"), {setting: None})
        yield Finding("pipelines", "fail", f"{said}: {what}.", (request,))
        return
    yield Finding("pipelines", "ok", f"The {kind} pipeline {name!r} of {index} is there.")
    for model in models_of(found[name]):
        if case.is_opensearch:
            yield judge_model(
                model, name, case.get(f"/_plugins/_ml/models/{quote(model, safe='')}")
            )
        else:
            yield judge_endpoint(model, name, case.get(f"/_inference/{quote(model, safe='')}"))


def models_of(pipeline: Any) -> list[str]:
    """The `model_id` of every processor, however deep."""
    if isinstance(pipeline, Mapping):
        own = [value for key, value in pipeline.items() if key == "model_id"]
        inner = [model for value in pipeline.values() for model in models_of(value)]
        return list(dict.fromkeys(str(model) for model in own + inner))
    if isinstance(pipeline, Sequence) and not isinstance(pipeline, str):
        return list(dict.fromkeys(model for item in pipeline for model in models_of(item)))
    return []


def judge_model(id: str, pipeline: str, model: Mapping[str, Any] | None) -> Finding:
    """`model` as ml-commons describes it; None where it does not know it."""
    if model is None:
        said = f"The pipeline {pipeline!r} calls the model {id}, which does not exist."
        return Finding("pipelines", "fail", said, remedy="Register the model again.")
    state = model.get("model_state")
    name = f"The model {model.get('name')!r} ({id}) of the pipeline {pipeline!r}"
    if state in ("DEPLOYED", "PARTIALLY_DEPLOYED"):
        return Finding("pipelines", "ok", f"{name} is deployed.")
    deploy = ServerRequest("POST", f"/_plugins/_ml/models/{id}/_deploy")
    return Finding("pipelines", "fail", f"{name} is not deployed: it is {state}.", (deploy,))


def judge_endpoint(id: str, pipeline: str, endpoint: Mapping[str, Any] | None) -> Finding:
    """`endpoint` as Elasticsearch describes it; None where it does not know it."""
    if endpoint is None:
        said = f"The pipeline {pipeline!r} calls the inference endpoint {id!r}, which is not there."
        return Finding("pipelines", "fail", said, (ServerRequest("GET", "/_inference/_all"),))
    return Finding("pipelines", "ok", f"The inference endpoint {id!r} is there.")


def calls(case: Case) -> Iterator[Finding]:
    """Whether OpenSearch may call the sidecar; asked only where there is one."""
    if case.sidecar is None or not case.is_opensearch:
        return
    plugins = case.get("/_cat/plugins", format="json") or []
    if not any(plugin.get("component") == "opensearch-ml" for plugin in plugins):
        said = "The plugin opensearch-ml is missing: OpenSearch cannot call the sidecar itself."
        yield Finding("calls", "warn", said, remedy="opensearch-plugin install opensearch-ml")
    else:
        yield judge_calls(case.sidecar, case.settings)


def judge_calls(url: str, settings: Mapping[str, Any]) -> Finding:
    """`settings`: the cluster's, flat."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}/"
    patterns = settings.get(TRUSTED) or []
    wanted: dict[str, Any] = {}
    if not any(_matches(pattern, base) for pattern in patterns):
        wanted[TRUSTED] = [*patterns, f"^{re.escape(base)}.*$"]
    if _is_private(parts.hostname or "") and settings.get(PRIVATE) != "true":
        wanted[PRIVATE] = True
    if settings.get(ML_NODES_ONLY) == "true":
        wanted[ML_NODES_ONLY] = False
    if not wanted:
        return Finding("calls", "ok", f"OpenSearch may call {base} itself.")
    said = f"OpenSearch may not call {base} itself: {', '.join(wanted)} forbid it."
    body = {"persistent": wanted}
    return Finding("calls", "warn", said, (ServerRequest("PUT", "/_cluster/settings", body),))


def _is_private(host: str) -> bool:
    """A name without a dot is one of the own network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host


def _matches(pattern: str, base: str) -> bool:
    try:
        return re.fullmatch(pattern, f"{base}v1/encode") is not None
    except re.error:  # Java knows forms that Python does not
        return False
