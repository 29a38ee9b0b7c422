"""What a doctor finds out about the cluster as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from ..errors import AccessDenied
from ..server.request import ServerRequest, index_path
from .disk import free_bytes_needed
from .examination import Case
from .finding import Finding

CLAUSES = "indices.query.bool.max_clause_count"
_ROOM_FOR_WORDS = 100
_GB = 2**30

# privileges of Elasticsearch, and what goes wrong without them
_NEEDED = {"read": "search", "view_index_metadata": "read the index's mapping"}
_USEFUL = {
    "write": "load documents",
    "maintenance": "refresh the index after loading",
    "manage": "create the index or add a field to it",
}


def version(case: Case) -> Iterator[Finding]:
    server = case.cluster.server
    yield Finding("version", "ok", f"{server.name}, cluster {server.cluster!r}, is supported.")


def licence(case: Case) -> Iterator[Finding]:
    if not case.is_opensearch and (found := case.get("/_license")):
        yield judge_licence(found["license"], wanted=case.sidecar is not None)


def judge_licence(licence: Mapping[str, Any], *, wanted: bool) -> Finding:
    """`wanted`: the cluster is to call the sidecar itself, by Elasticsearch's inference API."""
    kind, until = licence.get("type"), str(licence.get("expiry_date", ""))[:10]
    trial = ServerRequest("POST", "/_license/start_trial?acknowledge=true")
    if licence.get("status") != "active":
        said = f"The {kind} licence is {licence.get('status')}: renew it, or go back to basic."
        return Finding(
            "licence",
            "warn",
            said,
            (ServerRequest("POST", "/_license/start_basic?acknowledge=true"),),
        )
    if kind != "basic":
        ends = f" until {until}" if until else ""
        return Finding("licence", "ok", f"The {kind} licence{ends} includes the inference API.")
    said = (
        "The basic licence is all that latent terms need; it does not include the inference API, "
        "by which Elasticsearch calls the sidecar itself"
    )
    if wanted:
        return Finding("licence", "warn", f"{said}: try it for 30 days.", (trial,))
    return Finding("licence", "ok", f"{said}.")


def permissions(case: Case) -> Iterator[Finding]:
    if case.is_opensearch:
        yield judge_identity(case.get("/_plugins/_security/authinfo"))
    elif case.index is not None:
        asked = {
            "cluster": ["monitor"],
            "index": [{"names": [case.index], "privileges": [*_NEEDED, *_USEFUL]}],
        }
        answer = case.cluster.request(
            "POST", "/_security/user/_has_privileges", body=asked, accept=(400, 405)
        )
        yield judge_privileges(answer.body if answer.ok else None, case.index)


def judge_privileges(answer: Mapping[str, Any] | None, index: str) -> Finding:
    """`answer` of `_has_privileges`; None where security is off."""
    if answer is None:
        return _without_security()
    granted = answer["index"][index]
    user = answer.get("username")
    lacking = [name for name in (*_NEEDED, *_USEFUL) if not granted.get(name)]
    if not lacking:
        return Finding("permissions", "ok", f"User {user!r} may do all that is needed.")
    purposes = _NEEDED | _USEFUL
    cannot = "; ".join(f"{purposes[name]} ({name})" for name in lacking)
    role = {
        "cluster": ["monitor"],
        "indices": [{"names": [index], "privileges": [*_NEEDED, *_USEFUL]}],
    }
    return Finding(
        "permissions",
        "fail" if set(lacking) & set(_NEEDED) else "warn",
        f"User {user!r} may not: {cannot}. This role may; give it to the user or API key.",
        (ServerRequest("PUT", "/_security/role/latent_terms", role),),
    )


def judge_identity(answer: Mapping[str, Any] | None) -> Finding:
    """`answer` of OpenSearch's security plugin; None where there is none."""
    if answer is None:
        return _without_security()
    roles = ", ".join(answer.get("roles", [])) or "no roles"
    return Finding(
        "permissions",
        "ok",
        f"User {answer.get('user_name')!r} has {roles}; OpenSearch does not say what these allow, "
        "and writing was not tried.",
    )


def _without_security() -> Finding:
    said = "Security is off: whoever reaches the cluster may do everything."
    return Finding("permissions", "ok", said)


def clauses(case: Case) -> Iterator[Finding]:
    if case.is_opensearch:
        yield judge_clauses(int(case.settings.get(CLAUSES, 1024)), case.terms_per_query)
    else:
        said = "Elasticsearch sets the most clauses of a query by its memory: several thousand."
        yield Finding("clauses", "ok", said)


def judge_clauses(limit: int, terms_per_query: int | None) -> Finding:
    """Every latent term and every word of a query is a clause."""
    needed = (terms_per_query or 0) + _ROOM_FOR_WORDS
    if needed <= limit:
        return Finding("clauses", "ok", f"A query may hold {limit:,} words and latent terms.")
    said = (
        f"A query may hold {limit:,} words and latent terms, and the model gives it up to "
        f"{terms_per_query:,}: long queries will be refused."
    )
    body = {"persistent": {CLAUSES: max(4096, 2 * needed)}}
    return Finding("clauses", "fail", said, (ServerRequest("PUT", "/_cluster/settings", body),))


def analysis(case: Case) -> Iterator[Finding]:
    whitespace = {"analyzer": "whitespace", "text": "t17 t9"}
    yield judge_whitespace(_tokens(case, whitespace))
    if case.is_opensearch:
        spelled = {
            "tokenizer": "whitespace",
            "filter": [{"type": "delimited_term_freq"}],
            "text": "t17|3 t9",
        }
        yield judge_frequencies(_tokens(case, spelled))


def judge_whitespace(tokens: list[str]) -> Finding:
    if tokens == ["t17", "t9"]:
        return Finding("analysis", "ok", "The whitespace analyser is there.")
    said = f"The whitespace analyser made {tokens} of 't17 t9': latent terms need it as it comes."
    return Finding("analysis", "fail", said)


def judge_frequencies(tokens: list[str]) -> Finding:
    if tokens == ["t17", "t9"]:
        said = "Explicit frequencies (delimited_term_freq) are there."
        return Finding("analysis", "ok", said)
    return Finding(
        "analysis",
        "warn",
        "Explicit frequencies (delimited_term_freq) are missing: terms are repeated instead, which "
        "ranks the same and sends more text. The module analysis-common holds them.",
    )


def _tokens(case: Case, body: Mapping[str, Any]) -> list[str]:
    request = partial(case.cluster.request, "POST", body=body, accept=(400,))
    try:
        answer = request("/_analyze")
    except AccessDenied:
        if case.index is None or not case.index_settings:
            raise
        answer = request(index_path(case.index, "_analyze"))  # takes no privilege of the cluster
    return [token["token"] for token in answer.body["tokens"]] if answer.ok else []


def disks(case: Case) -> Iterator[Finding]:
    found = case.get("/_nodes/stats/fs", filter_path="nodes.*.name,nodes.*.fs.total") or {}
    totals = {
        node["name"]: node["fs"]["total"]
        for node in found.get("nodes", {}).values()
        if node.get("fs", {}).get("total")  # a node without data has none
    }
    yield judge_disks(totals, case.settings)


def judge_disks(disks: Mapping[str, Mapping[str, int]], settings: Mapping[str, Any]) -> Finding:
    """`disks`: by node, its `total_in_bytes` and `available_in_bytes`."""
    flooded = list(_below("flood_stage", disks, settings))
    full = list(_below("high", disks, settings))
    if not full:
        free = min((d["available_in_bytes"] for d in disks.values()), default=0) / _GB
        return Finding("disk", "ok", f"The fullest disk has {free:,.0f} GB free.")
    if flooded:
        said = f"No room on the disk of {', '.join(flooded)}: indexes there become read-only."
    else:
        said = f"The disk of {', '.join(full)} is nearly full: it takes no new shards."
    remedy = "Free disk space or add a node; the server then lifts its blocks by itself."
    return Finding("disk", "fail" if flooded else "warn", said, remedy=remedy)


def _below(
    stage: str, disks: Mapping[str, Mapping[str, int]], settings: Mapping[str, Any]
) -> Iterable[str]:
    for node, disk in disks.items():
        if disk["available_in_bytes"] < free_bytes_needed(settings, stage, disk["total_in_bytes"]):
            yield node
