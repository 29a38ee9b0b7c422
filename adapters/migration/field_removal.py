"""Taking a latent field out of all documents of an index that is in use.

A mapping never loses a field; what it costs is the values. A script on the server takes them out of
the sources; where scripts are not allowed, each document is updated from here, and its source keeps
the field as null.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from ..backfill.pressure import Pressure
from ..backfill.walk import refuse_partial, walk
from ..bulk.bulk import Bulk
from ..bulk.chunks import Action
from ..dialect.dialect import hash_field_name
from ..dialect.query import with_field
from ..errors import EngineError, EngineUnavailable
from ..server.cluster import Cluster
from ..server.failures import failure, reason_of
from ..server.patience import patiently
from ..server.request import ServerRequest, index_path
from ..server.stored import StoredDocument

_SCRIPT = "for (field in params.fields) { ctx._source.remove(field) }"
_OPTIONS = "conflicts=proceed&wait_for_completion=false&refresh=true&pipeline=_none"
_POLL_SECONDS = 0.2
_MOST_PASSES = 20
_CHANGED_OR_GONE = (404, 409)
_REFUSED = (400, 404, 405)

Progress = Callable[[int, int], None]
"""Documents done, and all that there are to do."""


def removal(index: str, field: str) -> ServerRequest:
    """Documents that are written meanwhile are passed over."""
    params = {"fields": [field, hash_field_name(field)]}
    body = {
        "query": with_field(field),
        "script": {"lang": "painless", "source": _SCRIPT, "params": params},
    }
    return ServerRequest("POST", index_path(index, f"_update_by_query?{_OPTIONS}"), body)


def remove(cluster: Cluster, index: str, field: str, progress: Progress) -> None:
    """Can be called again after an interruption; raises EngineError where some are left."""
    for _ in range(_MOST_PASSES):
        if not _remove_by_script(cluster, removal(index, field), progress):
            remove_one_by_one(cluster, index, field, progress)
        left = _count(cluster, index, field)
        if not left:
            return
    raise EngineUnavailable(
        f"{left:,} documents of {index} still hold {field}: others change them all the time. "
        "Run the same again when there is less to do."
    )


def _remove_by_script(cluster: Cluster, request: ServerRequest, progress: Progress) -> bool:
    """False where the server runs no such thing. An interrupted call has the server stop."""
    answer = cluster.request(request.method, request.path, body=request.body, accept=_REFUSED)
    if not answer.ok:
        if answer.status != 400 or "script" in reason_of(answer.body):
            return False
        raise failure(answer.status, answer.body, f"{request.method} {request.path}")
    task = f"/_tasks/{quote(answer.body['task'])}"
    try:
        while not (state := patiently(lambda: cluster.request("GET", task)).body)["completed"]:
            _report(state["task"]["status"], progress)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        cluster.request("POST", f"{task}/_cancel", accept=_REFUSED)
        raise
    _report(state["task"]["status"], progress)
    failures = state.get("response", {}).get("failures") or state.get("error")
    if failures:
        raise EngineError(f"{request.path}: the server gave up: {str(failures)[:300]}")
    return True


def remove_one_by_one(cluster: Cluster, index: str, field: str, progress: Progress) -> None:
    """Documents that are changed meanwhile are passed over."""
    total = _count(cluster, index, field)
    bulk = Bulk(cluster.bulk, hold=Pressure(cluster).hold)
    for done, outcome in enumerate(bulk.run(_updates(cluster, index, field)), start=1):
        if not outcome.done and outcome.status not in _CHANGED_OR_GONE:
            raise EngineError(f"document {outcome.action.id!r} of {index}: {outcome.reason}")
        progress(done, max(total, done))


def _updates(cluster: Cluster, index: str, field: str) -> Iterator[Action[StoredDocument]]:
    nulls = json.dumps({"doc": {field: None, hash_field_name(field): None}})
    for page in walk(cluster, index, with_field(field), fields=()):
        for document in page:
            update = json.dumps({"update": document.address | document.version})
            yield Action(document.id, f"{update}\n{nulls}\n".encode(), document)


def _count(cluster: Cluster, index: str, field: str) -> int:
    cluster.request("POST", index_path(index, "_refresh"))
    body = {"query": with_field(field)}
    answer = cluster.request("POST", index_path(index, "_count"), body=body)
    refuse_partial(answer)
    return int(answer.body["count"])


def _report(status: dict[str, Any], progress: Progress) -> None:
    done = status.get("updated", 0) + status.get("version_conflicts", 0) + status.get("noops", 0)
    progress(done, max(status.get("total", 0), done))
