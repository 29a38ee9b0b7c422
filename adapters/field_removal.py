"""Taking a field out of all documents of an index that is in use.

A mapping never loses a field; what it costs is the values. A script on the server takes them out of
the sources; where scripts are not allowed, each document is updated from here, and its source keeps
the field as null.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from .bulk import Bulk
from .bulk_chunks import Action
from .cluster import Answer, Cluster
from .errors import EngineError
from .failures import failure
from .patience import patiently
from .pressure import Pressure
from .server_request import ServerRequest
from .stored import StoredDocument
from .walk import walk

_SCRIPT = "for (field in params.fields) { ctx._source.remove(field) }"
_POLL_SECONDS = 0.2
_CHANGED_OR_GONE = (404, 409)

Progress = Callable[[int, int], None]
"""Documents done so far, and all that there are to do."""


def removal(index: str, fields: Sequence[str], query: dict[str, Any]) -> ServerRequest:
    """Of the documents that match; those that are written meanwhile are passed over."""
    options = "conflicts=proceed&wait_for_completion=false&refresh=true&pipeline=_none"
    script = {"lang": "painless", "source": _SCRIPT, "params": {"fields": list(fields)}}
    path = f"/{quote(index, safe='')}/_update_by_query?{options}"
    return ServerRequest("POST", path, {"query": query, "script": script})


def remove_by_script(cluster: Cluster, request: ServerRequest, progress: Progress) -> bool:
    """False where the server runs no such script, and nothing was changed.

    An interrupted call has the server stop. Raises EngineError where the server gives up.
    """
    answer = cluster.request(
        request.method, request.path, body=request.body, accept=(400, 404, 405)
    )
    if not answer.ok:
        if "script" in str(answer.body) or answer.status != 400:
            return False
        raise failure(answer.status, answer.body, f"{request.method} {request.path}")
    task = answer.body["task"]
    try:
        while not (state := patiently(lambda: _task(cluster, task)).body)["completed"]:
            _report(state["task"]["status"], progress)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        cluster.request("POST", f"/_tasks/{quote(task)}/_cancel", accept=(404,))
        raise
    _report(state["task"]["status"], progress)
    failures = state.get("response", {}).get("failures") or state.get("error")
    if failures:
        raise EngineError(f"{request.path}: the server stopped: {str(failures)[:300]}")
    return True


def remove_one_by_one(
    cluster: Cluster, index: str, fields: Sequence[str], query: dict[str, Any], progress: Progress
) -> None:
    """Documents that are changed meanwhile are passed over."""
    total = int(cluster.request("POST", f"/{index}/_count", body={"query": query}).body["count"])
    bulk = Bulk(cluster.bulk, hold=Pressure(cluster).hold)
    nulls = json.dumps({"doc": dict.fromkeys(fields)})
    outcomes = bulk.run(_updates(cluster, index, query, nulls))
    for done, outcome in enumerate(outcomes, start=1):
        if not outcome.done and outcome.status not in _CHANGED_OR_GONE:
            raise EngineError(f"document {outcome.action.id!r} of {index}: {outcome.reason}")
        progress(done, max(total, done))
    cluster.request("POST", f"/{index}/_refresh")


def _updates(
    cluster: Cluster, index: str, query: dict[str, Any], nulls: str
) -> Iterator[Action[StoredDocument]]:
    for page in walk(cluster, index, query, fields=()):
        for document in page:
            update = json.dumps({"update": document.address | document.version})
            yield Action(document.id, f"{update}\n{nulls}\n".encode(), document)


def _task(cluster: Cluster, task: str) -> Answer:
    return cluster.request("GET", f"/_tasks/{quote(task)}")


def _report(status: dict[str, Any], progress: Progress) -> None:
    done = status.get("updated", 0) + status.get("version_conflicts", 0) + status.get("noops", 0)
    progress(done, max(status.get("total", 0), done))
