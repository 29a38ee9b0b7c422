"""Examines a cluster and an index for all that latent terms need; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..dialect.meta import read_meta
from ..errors import AccessDenied, EngineError
from . import calls, cluster, index, model, terms
from .examination import Case
from .finding import Finding
from .sidecar import sidecar

Check = Callable[[Case], Iterator[Finding]]

OF_THE_CLUSTER: dict[str, Check] = {
    "licence": cluster.licence,
    "permissions": cluster.permissions,
    "clauses": cluster.clauses,
    "analysis": cluster.analysis,
    "disk": cluster.disks,
    "calls": calls.calls,
}
OF_THE_INDEX: dict[str, Check] = {
    "blocks": index.blocks,
    "fields": index.fields,
    "model": model.model,
    "terms": terms.terms,
    "documents": terms.documents,
    "pipelines": calls.pipelines,
}


def examine(case: Case) -> Iterator[Finding]:
    """Findings as they are made; what cannot be looked at for want of a permission is a `warn`."""
    fingerprint = case.fingerprint
    try:
        yield from cluster.version(case)
    except EngineError as exc:
        yield Finding("connection", "fail", str(exc))
    else:
        yield from _run(OF_THE_CLUSTER, case)
        if case.index is not None:
            yield from _index(case)
            fingerprint = fingerprint or _active(case)
    if case.sidecar is not None:
        yield from sidecar(case.sidecar, fingerprint, key=case.sidecar_key)


def _index(case: Case) -> Iterator[Finding]:
    """Where there is nothing to look at, the reason is the only finding."""
    present = list(_run({"index": index.presence}, case))
    yield from present
    if all(finding.level == "ok" for finding in present):
        yield from _run(OF_THE_INDEX, case)


def _run(checks: dict[str, Check], case: Case) -> Iterator[Finding]:
    for name, check in checks.items():
        try:
            yield from check(case)
        except AccessDenied as exc:
            yield Finding(name, "warn", f"Could not be looked at: {exc}")
        except EngineError as exc:
            yield Finding(name, "fail", str(exc))


def _active(case: Case) -> str | None:
    """The model of the index; None where it has none, or where that cannot be read."""
    try:
        metas = [read_meta(mapping, index) for index, mapping in case.mappings.items()]
    except EngineError:  # a finding by now
        return None
    return next((meta.active_field.fingerprint for meta in metas if meta.active_field), None)
