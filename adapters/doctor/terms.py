"""What a doctor finds out about the latent fields of an index, and the documents in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..dialect.dialect import ALIAS, Spelling
from ..dialect.mapping import alias_mapping
from ..dialect.meta import LatentField, read_meta
from ..dialect.query import without_field
from ..server.request import ServerRequest, index_path
from .examination import Case
from .finding import Finding

_SPELLED: dict[Spelling, str] = {"repeat": "t17 t17 t9", "frequencies": "t17|2 t9|1"}
_TOKENS: dict[Spelling, list[str]] = {"repeat": ["t17", "t17", "t9"], "frequencies": ["t17", "t9"]}


def terms(case: Case) -> Iterator[Finding]:
    for index, mapping in case.mappings.items():
        meta = read_meta(mapping, index)
        properties = mapping.get("properties", {})
        for field in meta.fields:
            finding = judge_field(index, field, properties.get(field.name))
            yield finding if finding.level == "fail" else _analysis(case, index, field)
        if meta.active is not None:
            yield judge_alias(index, meta.active, properties.get(ALIAS, {}).get("path"))


def judge_field(index: str, field: LatentField, found: Mapping[str, Any] | None) -> Finding:
    """`found`: how the field is mapped."""
    if found is None:
        said = f"_meta of {index} describes {field.name}, and the mapping has no such field."
        return Finding("terms", "fail", said)
    if found.get("type") != "text" or found.get("index_options") != "freqs":
        said = f"{field.name} of {index} is not a text field that keeps frequencies (freqs)"
        return Finding("terms", "fail", f"{said}: it was mapped by something else first. Reindex.")
    return Finding("terms", "ok", f"{field.name} of {index} is mapped as it should be.")


def _analysis(case: Case, index: str, field: LatentField) -> Finding:
    body = {"field": field.name, "text": _SPELLED[field.spelling]}
    answer = case.cluster.request("POST", index_path(index, "_analyze"), body=body, accept=(400,))
    tokens = [token["token"] for token in answer.body["tokens"]] if answer.ok else []
    return judge_analysis(index, field, tokens)


def judge_analysis(index: str, field: LatentField, tokens: Sequence[str]) -> Finding:
    """`tokens`: what the field's analyser makes of three terms."""
    if tokens == _TOKENS[field.spelling]:
        return Finding("terms", "ok", f"{field.name} of {index} takes terms as they are spelled.")
    said = f"{field.name} of {index} makes {tokens} of {_SPELLED[field.spelling]!r}"
    return Finding("terms", "fail", f"{said}: its analyser was changed. Put it back, or reindex.")


def judge_alias(index: str, active: str, path: str | None) -> Finding:
    if path == active:
        return Finding("terms", "ok", f"The alias {ALIAS} of {index} leads to {active}.")
    said = f"The alias {ALIAS} of {index} leads to {path}, and _meta says {active}."
    body = {"properties": alias_mapping(active)}
    return Finding(
        "terms", "fail", said, (ServerRequest("PUT", index_path(index, "_mapping"), body),)
    )


def documents(case: Case) -> Iterator[Finding]:
    for index, mapping in case.mappings.items():
        active = read_meta(mapping, index).active
        if active is not None:
            lacking = _count(case, index, without_field(active))
            every = _count(case, index, {"match_all": {}})
            yield judge_documents(active, lacking, every, where=str(case.cluster.address))


def judge_documents(field: str, lacking: int, documents: int, *, where: str) -> Finding:
    """`where`: the index's address."""
    if not lacking:
        return Finding("documents", "ok", f"All {documents:,} documents have {field}.")
    said = f"{lacking:,} of {documents:,} documents lack {field}: only their words find them."
    return Finding("documents", "warn", said, remedy=f"latent-terms backfill {where}")


def _count(case: Case, index: str, query: Mapping[str, Any]) -> int:
    answer = case.cluster.request("POST", index_path(index, "_count"), body={"query": query})
    return int(answer.body["count"])
