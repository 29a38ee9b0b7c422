"""What a doctor finds out about an index before it looks at its latent terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ..server.request import ServerRequest, index_path
from .examination import Case
from .finding import Finding

TOTAL_FIELDS = "index.mapping.total_fields.limit"
_BLOCKS = "index.blocks."
_ROOM_FOR_FIELDS = 4
_LIFTED_BY_SERVER = "index.blocks.read_only_allow_delete"


def presence(case: Case) -> Iterator[Finding]:
    """A `fail` among these means that there is nothing further to look at."""
    found = case.index_settings
    if not found:
        said = f"There is no index {case.index!r}."
        remedy = f"latent-terms index FILE --into {case.cluster.address}"
        yield Finding("index", "fail", said, remedy=remedy)
        return
    closed = [name for name, own in found.items() if own.get("index.verified_before_close")]
    for name in closed:
        said = f"The index {name} is closed: it can be neither searched nor written."
        yield Finding("index", "fail", said, (ServerRequest("POST", index_path(name, "_open")),))
    if not closed:
        name = str(case.index)
        health = case.get(f"/_cluster/health/{quote(name, safe='')}") or {}
        yield judge_health(name, health)


def judge_health(index: str, health: Mapping[str, Any]) -> Finding:
    if health.get("status") != "red":
        return Finding("index", "ok", f"The index {index} is open, its shards are there.")
    said = f"Shards of {index} are missing: some documents can be neither found nor written."
    why = ServerRequest("GET", "/_cluster/allocation/explain")
    return Finding("index", "fail", f"{said} The server says why:", (why,))


def blocks(case: Case) -> Iterator[Finding]:
    for name, settings in case.index_settings.items():
        yield judge_blocks(name, settings)
    for block in ("read_only", "read_only_allow_delete"):
        setting = f"cluster.blocks.{block}"
        if str(case.settings.get(setting)) == "true":
            said = f"The whole cluster is read-only ({setting})."
            body = {"persistent": {setting: None}, "transient": {setting: None}}
            request = ServerRequest("PUT", "/_cluster/settings", body)
            yield Finding("blocks", "fail", said, (request,))


def judge_blocks(index: str, settings: Mapping[str, Any]) -> Finding:
    """`settings` of the index, flat."""
    set_ = [
        name
        for name, value in settings.items()
        if name.startswith(_BLOCKS) and str(value) == "true"
    ]
    if not set_:
        return Finding("blocks", "ok", f"Nothing blocks {index}.")
    said = f"The index {index} is blocked: {', '.join(set_)}."
    if _LIFTED_BY_SERVER in set_:
        said += " The server did that for want of disk space: free some first."
    request = ServerRequest("PUT", index_path(index, "_settings"), dict.fromkeys(set_, None))
    return Finding("blocks", "fail", said, (request,))


def fields(case: Case) -> Iterator[Finding]:
    for name, mapping in case.mappings.items():
        limit = int(case.index_settings.get(name, {}).get(TOTAL_FIELDS, 1000))
        yield from judge_fields(name, mapping, limit)


def judge_fields(index: str, mapping: Mapping[str, Any], limit: int) -> Iterator[Finding]:
    """Whether latent terms can be added to what is there; `limit` is the most fields allowed."""
    if mapping.get("_source", {}).get("enabled") is False:
        said = f"{index} does not keep the source of its documents: nothing can be back-filled."
        remedy = "Index the documents again into an index that keeps _source."
        yield Finding("fields", "fail", said, remedy=remedy)
    count = count_fields(mapping)
    if count + _ROOM_FOR_FIELDS > limit:
        said = f"{index} has {count:,} fields of {limit:,} allowed: no room for latent terms."
        body = {TOTAL_FIELDS: limit + 100}
        request = ServerRequest("PUT", index_path(index, "_settings"), body)
        yield Finding("fields", "warn", said, (request,))
    else:
        yield Finding("fields", "ok", f"{index} has {count:,} fields of {limit:,} allowed.")


def count_fields(mapping: Mapping[str, Any]) -> int:
    """As the servers count them: objects, their fields, and sub-fields alike."""
    below = [*mapping.get("properties", {}).values(), *mapping.get("fields", {}).values()]
    return len(below) + sum(count_fields(field) for field in below)
