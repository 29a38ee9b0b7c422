"""Whether an index knows which model its latent terms come from, and whether that is ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..dialect.dialect import ALIAS, META_KEY, is_reserved, latent_field_name
from ..dialect.mapping import FREQUENCY_ANALYZER, mapping_update
from ..dialect.meta import IndexMeta, LatentField, read_meta
from ..server.request import ServerRequest, index_path
from .examination import Case
from .finding import Finding


def model(case: Case) -> Iterator[Finding]:
    for index, mapping in case.mappings.items():
        meta = read_meta(mapping, index)
        if meta.fields:
            yield judge_model(index, meta, case.fingerprint, where=str(case.cluster.address))
        else:
            yield judge_absence(index, mapping, case.fingerprint, where=str(case.cluster.address))


def judge_model(index: str, meta: IndexMeta, fingerprint: str | None, *, where: str) -> Finding:
    """`fingerprint` of the encoder at hand, where there is one; `where` the index's address."""
    active = meta.active_field
    if active is None:
        said = f"{index} has no active latent field: its back-fill has not come to its end."
        return Finding("model", "warn", said, remedy=f"latent-terms backfill {where}")
    name = f"{active.fingerprint}{f' ({active.model})' if active.model else ''}"
    if fingerprint in (None, active.fingerprint):
        return Finding("model", "ok", f"{index} holds latent terms of model {name}.")
    said = f"{index} holds latent terms of model {name}, the encoder at hand is {fingerprint}"
    if meta.field_of(fingerprint) is not None:
        said, verb = f"{said}: its field is there and is not the active one.", "status"
    else:
        said, verb = f"{said}: load the index's model, or move the index to yours.", "start"
    return Finding("model", "fail", said, remedy=f"latent-terms migrate {verb} {where}")


def judge_absence(
    index: str, mapping: Mapping[str, Any], fingerprint: str | None, *, where: str
) -> Finding:
    """Nothing in `_meta` speaks of latent terms: there are none, or it was overwritten."""
    properties = mapping.get("properties", {})
    if ALIAS not in properties:
        said = f"{index} has no latent terms: documents are found by their words alone."
        return Finding("model", "warn", said, remedy=f"latent-terms backfill {where}")
    said = (
        f"{index} has the field {properties[ALIAS].get('path')}, and the mapping's "
        f"_meta.{META_KEY}, which describes it, is gone: another program replaced _meta."
    )
    body = _restored(mapping, fingerprint)
    if body is None:
        return Finding("model", "fail", f"{said} Name its model to be told how to put it back.")
    said = f"{said} This puts it back, if text_fields is what the model read."
    return Finding(
        "model", "fail", said, (ServerRequest("PUT", index_path(index, "_mapping"), body),)
    )


def _restored(mapping: Mapping[str, Any], fingerprint: str | None) -> dict[str, Any] | None:
    """What `_meta` was, as far as the mapping and the encoder at hand tell."""
    properties = mapping["properties"]
    if fingerprint is None or latent_field_name(fingerprint) not in properties:
        return None
    analyzer = properties[latent_field_name(fingerprint)].get("analyzer")
    texts = [name for name, own in properties.items() if own.get("type") == "text"]
    field = LatentField(
        fingerprint=fingerprint,
        model=None,
        spelling="frequencies" if analyzer == FREQUENCY_ANALYZER else "repeat",
        text_fields=tuple(name for name in texts if not is_reserved(name)),
    )
    meta = IndexMeta().with_field(field).activated(field.name)
    return {"_meta": mapping_update(mapping, meta)["_meta"]}
