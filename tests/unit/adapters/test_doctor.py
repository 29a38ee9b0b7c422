"""What a doctor makes of servers' answers; the answers are those of real ones."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.dialect.meta import IndexMeta, LatentField
from adapters.doctor.calls import judge_calls, judge_endpoint, judge_model, models_of
from adapters.doctor.cluster import (
    judge_clauses,
    judge_disks,
    judge_frequencies,
    judge_identity,
    judge_licence,
    judge_privileges,
    judge_whitespace,
)
from adapters.doctor.index import count_fields, judge_blocks, judge_fields, judge_health
from adapters.doctor.model import judge_absence
from adapters.doctor.model import judge_model as judge_fingerprint
from adapters.doctor.sidecar import judge_sidecar
from adapters.doctor.terms import judge_alias, judge_analysis, judge_documents, judge_field

OLD = LatentField("3f9a1c0b77de", "tiny", "repeat", ("title", "body"))
NEW = LatentField("aa00bb11cc22", "large", "frequencies", ("title", "body"))
WHERE = "opensearch://h:9200/notes"


def test_a_basic_licence_is_fine_until_the_cluster_is_to_call_the_sidecar() -> None:
    basic = {"status": "active", "type": "basic"}
    assert judge_licence(basic, wanted=False).level == "ok"
    wanted = judge_licence(basic, wanted=True)
    assert wanted.level == "warn"
    assert [r.path for r in wanted.requests] == ["/_license/start_trial?acknowledge=true"]


def test_a_trial_says_when_it_ends_and_an_expired_licence_that_it_has() -> None:
    trial = {"status": "active", "type": "trial", "expiry_date": "2026-12-24T13:40:23.866Z"}
    assert "2026-12-24" in judge_licence(trial, wanted=True).sentence
    expired = judge_licence(trial | {"status": "expired"}, wanted=True)
    assert (expired.level, "expired" in expired.sentence) == ("warn", True)


def privileges(**lacking: bool) -> dict[str, Any]:
    names = ("read", "view_index_metadata", "write", "maintenance", "manage")
    granted = dict.fromkeys(names, True) | lacking
    return {"username": "ann", "index": {"notes": granted}}


def test_a_user_who_cannot_search_fails_and_one_who_cannot_write_is_warned_of() -> None:
    assert judge_privileges(privileges(), "notes").level == "ok"
    assert judge_privileges(privileges(read=False), "notes").level == "fail"
    reader = judge_privileges(privileges(write=False), "notes")
    assert reader.level == "warn"
    assert "load documents (write)" in reader.sentence
    (role,) = reader.requests
    assert role.body is not None
    assert "write" in role.body["indices"][0]["privileges"]


def test_without_security_everything_is_allowed() -> None:
    for finding in (judge_privileges(None, "notes"), judge_identity(None)):
        assert (finding.level, "Security is off" in finding.sentence) == ("ok", True)


def test_too_few_clauses_for_the_models_queries_fail_with_a_limit_that_suffices() -> None:
    assert judge_clauses(1024, 100).level == judge_clauses(1024, None).level == "ok"
    finding = judge_clauses(1024, 2000)
    assert finding.level == "fail"
    (request,) = finding.requests
    assert request.body is not None
    (limit,) = request.body["persistent"].values()
    assert judge_clauses(limit, 2000).level == "ok"


def test_analysers_are_judged_by_what_they_make_of_terms() -> None:
    assert judge_whitespace(["t17", "t9"]).level == "ok"
    assert judge_whitespace(["t", "17"]).level == "fail"
    assert judge_frequencies(["t17", "t9"]).level == "ok"
    assert judge_frequencies([]).level == "warn"


def disk(free: int) -> dict[str, int]:
    return {"total_in_bytes": 1000, "available_in_bytes": free}


def test_disks_are_judged_by_the_fullest() -> None:
    marks = {
        "cluster.routing.allocation.disk.watermark.high": "90%",
        "cluster.routing.allocation.disk.watermark.flood_stage": "95%",
    }
    assert judge_disks({"n1": disk(500)}, marks).level == "ok"
    full = judge_disks({"n1": disk(500), "n2": disk(80)}, marks)
    assert (full.level, "n2" in full.sentence, "n1" in full.sentence) == ("warn", True, False)
    assert judge_disks({"n1": disk(30)}, marks).level == "fail"


def test_blocks_are_lifted_by_the_settings_that_set_them() -> None:
    assert judge_blocks("notes", {"index.blocks.write": "false"}).level == "ok"
    finding = judge_blocks("notes", {"index.blocks.write": "true", "index.uuid": "x"})
    assert finding.level == "fail"
    assert finding.requests[0].body == {"index.blocks.write": None}


def test_a_flooded_disk_is_said_to_be_the_cause_of_its_block() -> None:
    finding = judge_blocks("notes", {"index.blocks.read_only_allow_delete": "true"})
    assert "disk space" in finding.sentence


def test_only_missing_shards_are_bad_health() -> None:
    assert judge_health("notes", {"status": "yellow"}).level == "ok"
    assert judge_health("notes", {"status": "red"}).level == "fail"


def test_fields_are_counted_with_those_inside_objects_and_sub_fields() -> None:
    mapping = {
        "properties": {
            "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "author": {"properties": {"name": {"type": "text"}}},
        }
    }
    assert count_fields(mapping) == 4
    assert [f.level for f in judge_fields("notes", mapping, 1000)] == ["ok"]
    (full,) = judge_fields("notes", mapping, 6)
    assert full.level == "warn"
    assert full.requests[0].body == {"index.mapping.total_fields.limit": 106}


def test_an_index_without_sources_cannot_be_back_filled() -> None:
    levels = [f.level for f in judge_fields("notes", {"_source": {"enabled": False}}, 1000)]
    assert levels == ["fail", "ok"]


def test_the_encoder_at_hand_must_be_the_indexs() -> None:
    meta = IndexMeta((OLD, NEW), active=OLD.name)
    assert judge_fingerprint("notes", meta, None, where=WHERE).level == "ok"
    assert judge_fingerprint("notes", meta, OLD.fingerprint, where=WHERE).level == "ok"
    waiting = judge_fingerprint("notes", meta, NEW.fingerprint, where=WHERE)
    assert (waiting.level, waiting.remedy) == ("fail", f"latent-terms migrate status {WHERE}")
    other = judge_fingerprint("notes", meta, "0" * 12, where=WHERE)
    assert (other.level, other.remedy) == ("fail", f"latent-terms migrate start {WHERE}")


def test_an_unfinished_first_back_fill_is_a_warning() -> None:
    assert judge_fingerprint("notes", IndexMeta((OLD,)), None, where=WHERE).level == "warn"


def test_an_index_that_never_had_latent_terms_is_no_failure() -> None:
    mapping = {"properties": {"title": {"type": "text"}}}
    finding = judge_absence("notes", mapping, None, where=WHERE)
    assert (finding.level, finding.remedy) == ("warn", f"latent-terms backfill {WHERE}")


OVERWRITTEN = {
    "_meta": {"owner": "search"},
    "properties": {
        "title": {"type": "text"},
        OLD.name: {"type": "text", "analyzer": "whitespace"},
        "latent_terms": {"type": "alias", "path": OLD.name},
    },
}


def test_an_overwritten_meta_is_put_back_for_the_encoder_at_hand() -> None:
    finding = judge_absence("notes", OVERWRITTEN, OLD.fingerprint, where=WHERE)
    assert finding.level == "fail"
    (request,) = finding.requests
    assert request.body is not None
    assert request.body["_meta"]["owner"] == "search"
    written = request.body["_meta"]["latent_terms"]
    assert written["active"] == OLD.name
    assert written["fields"][OLD.name]["fingerprint"] == OLD.fingerprint
    assert written["fields"][OLD.name]["text_fields"] == ("title",)


@pytest.mark.parametrize("fingerprint", [None, NEW.fingerprint])
def test_an_overwritten_meta_is_not_guessed_from_another_model(fingerprint: str | None) -> None:
    finding = judge_absence("notes", OVERWRITTEN, fingerprint, where=WHERE)
    assert (finding.level, finding.requests) == ("fail", ())


def test_a_latent_field_must_be_text_with_frequencies() -> None:
    assert judge_field("notes", OLD, {"type": "text", "index_options": "freqs"}).level == "ok"
    assert judge_field("notes", OLD, {"type": "text"}).level == "fail"
    assert judge_field("notes", OLD, {"type": "keyword"}).level == "fail"
    assert judge_field("notes", OLD, None).level == "fail"


def test_a_latent_field_must_read_its_own_spelling() -> None:
    assert judge_analysis("notes", OLD, ["t17", "t17", "t9"]).level == "ok"
    assert judge_analysis("notes", NEW, ["t17", "t9"]).level == "ok"
    assert judge_analysis("notes", NEW, ["t17|2", "t9|1"]).level == "fail"


def test_an_alias_that_leads_elsewhere_is_pointed_back() -> None:
    assert judge_alias("notes", OLD.name, OLD.name).level == "ok"
    finding = judge_alias("notes", OLD.name, NEW.name)
    assert finding.level == "fail"
    assert finding.requests[0].body == {
        "properties": {"latent_terms": {"type": "alias", "path": OLD.name}}
    }


def test_documents_without_the_field_are_counted() -> None:
    assert judge_documents(OLD.name, 0, 12, where=WHERE).level == "ok"
    finding = judge_documents(OLD.name, 3, 12, where=WHERE)
    assert (finding.level, "3 of 12" in finding.sentence) == ("warn", True)


def test_models_are_found_wherever_a_pipeline_has_them() -> None:
    pipeline = {
        "processors": [
            {"set": {"field": "model_name", "value": "x"}},
            {"foreach": {"processor": {"ml_inference": {"model_id": "m1"}}}},
        ],
        "on_failure": [{"ml_inference": {"model_id": "m2"}}, {"inference": {"model_id": "m1"}}],
    }
    assert models_of(pipeline) == ["m1", "m2"]


def test_a_model_that_is_not_deployed_is_deployed_by_the_request() -> None:
    assert judge_model("m1", "p", {"name": "encode", "model_state": "DEPLOYED"}).level == "ok"
    finding = judge_model("m1", "p", {"name": "encode", "model_state": "UNDEPLOYED"})
    assert finding.level == "fail"
    assert [str(request) for request in finding.requests] == [
        "POST /_plugins/_ml/models/m1/_deploy"
    ]
    assert judge_model("m1", "p", None).level == "fail"


def test_an_inference_endpoint_must_be_there() -> None:
    assert judge_endpoint("e1", "p", {"endpoints": [{}]}).level == "ok"
    assert judge_endpoint("e1", "p", None).level == "fail"


def test_calls_to_the_sidecar_need_a_trusted_address() -> None:
    settings = {
        "plugins.ml_commons.trusted_connector_endpoints_regex": [r"^https://api\.example\.org/.*$"],
        "plugins.ml_commons.connector.private_ip_enabled": "false",
        "plugins.ml_commons.only_run_on_ml_node": "true",
    }
    finding = judge_calls("http://127.0.0.1:8080", settings)
    assert finding.level == "warn"
    (request,) = finding.requests
    assert request.body is not None
    mended = settings | {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in request.body["persistent"].items()
    }
    assert len(mended["plugins.ml_commons.trusted_connector_endpoints_regex"]) == 2
    assert judge_calls("http://127.0.0.1:8080", mended).level == "ok"
    assert judge_calls("http://127.0.0.1:9090", mended).level == "warn"


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://sidecar:8080", True),
        ("http://10.1.2.3:8080", True),
        ("http://[::1]:8080", True),
        ("https://sidecar.example.org", False),
        ("https://93.184.215.14", False),
    ],
)
def test_only_addresses_of_the_own_network_need_leave_for_private_ones(
    url: str, private: bool
) -> None:
    trusted = {"plugins.ml_commons.trusted_connector_endpoints_regex": [".*"]}
    assert judge_calls(url, trusted).level == ("warn" if private else "ok")


def test_a_sidecar_must_have_the_indexs_model() -> None:
    about = {"model": "tiny", "fingerprint": OLD.fingerprint}
    assert judge_sidecar("http://s", about, None).level == "ok"
    assert judge_sidecar("http://s", about, OLD.fingerprint).level == "ok"
    assert judge_sidecar("http://s", about, NEW.fingerprint).level == "fail"
    assert judge_sidecar("http://s", {"status": "up"}, None).level == "fail"
