"""`search`, `explain` and `info` on servers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.server.cluster import Cluster

from ..unit.latent_terms.model_folder import build
from .command import run

pytestmark = pytest.mark.engine

NOTES = [
    {"_id": "n1", "title": "cats", "text": "the cat sat on the mat", "lang": "en", "year": 1999},
    {"_id": "n2", "title": "wing", "text": "a wing has lift and drag", "lang": "en", "year": 2003},
    {"_id": "n3", "title": "drag", "text": "drag is flow on a wing", "lang": "fr", "year": 2011},
    {"_id": "n4", "title": "dog", "text": "the dog sat on a dog", "lang": "de", "year": 2011},
]


@pytest.fixture(scope="module")
def address(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("notes")
    model = folder / "tiny"
    build(model)
    source = folder / "notes.jsonl"
    source.write_text("".join(json.dumps(note) + "\n" for note in NOTES))
    name = f"engines-{uuid.uuid4().hex[:10]}"
    fields = ("--keyword-fields", "lang", "--number-fields", "year", "--model", model)
    run("index", source, "--into", f"{url}/{name}", *fields)
    yield f"{url}/{name}"
    cluster = Cluster(url)
    cluster.request("DELETE", f"/{name}")
    cluster.close()


def search(address: str, *arguments: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run("search", address, *arguments, "--json").stdout)
    return answer


def query_file(folder: Path, body: object) -> Path:
    path = folder / "query.json"
    path.write_text(json.dumps(body))
    return path


def test_words_and_latent_terms_find_a_document(address: str) -> None:
    answer = search(address, "wing lift")
    best = answer["hits"][0]
    assert best["id"] == "n2"
    assert best["lexical"] > 0 and best["latent"] > 0
    assert best["source"] == {k: v for k, v in NOTES[1].items() if k != "_id"}
    assert answer["total_is_exact"]


def test_options_of_the_embedded_engine_work_alike(address: str) -> None:
    options = ("--mode", "lexical", "--filter", "year>=2004", "--fields", "title^3")
    (hit,) = search(address, "drag wing", *options)["hits"]
    assert hit["id"] == "n3"
    (unweighted,) = search(address, "drag wing", *options[:-1], "title")["hits"]
    assert hit["score"] == pytest.approx(3 * unweighted["score"], rel=1e-5)


def test_a_query_file_narrows_sizes_and_asks_for_more(address: str, tmp_path: Path) -> None:
    body = {
        "query": {"bool": {"filter": {"term": {"lang": "en"}}}},
        "aggs": {"years": {"terms": {"field": "year"}}},
        "highlight": {"fields": {"text": {}}},
        "_source": ["title"],
        "size": 1,
    }
    answer = search(address, "wing", "--query-file", query_file(tmp_path, body))
    (hit,) = answer["hits"]
    assert hit["id"] == "n2"
    assert hit["source"] == {"title": "wing"}
    assert hit["extra"]["highlight"] == {"text": ["a <em>wing</em> has lift and drag"]}
    assert {b["key"] for b in answer["extra"]["aggregations"]["years"]["buckets"]} <= {1999, 2003}
    more = search(address, "wing", "--query-file", query_file(tmp_path, body), "--size", 5)
    assert len(more["hits"]) == more["total"] == answer["total"]


def test_two_phases_give_the_same_first_hits(address: str) -> None:
    whole = search(address, "wing lift")["hits"]
    two = search(address, "wing lift", "--first-terms", 1, "--rescore-window", 10)["hits"]
    assert two[0]["id"] == whole[0]["id"]
    for part in ("score", "lexical", "latent"):
        assert two[0][part] == pytest.approx(whole[0][part], rel=1e-5)


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[1]", "is no JSON object")])
def test_a_query_file_that_is_none_is_refused(
    address: str, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "query.json"
    path.write_text(text)
    assert message in run("search", address, "x", "--query-file", path, code=2).stderr


def test_explain_names_words_and_latent_terms(address: str) -> None:
    answer = json.loads(run("explain", address, "wing lift", "n2", "--json").stdout)
    kinds = {match["term"]: match["kind"] for match in answer["matches"]}
    assert kinds["title:wing"] == kinds["text:lift"] == "word"
    assert [match for match in answer["matches"] if match["label"]]
    assert sum(match["share"] for match in answer["matches"]) == pytest.approx(1, rel=1e-4)


def test_info_describes_the_index(address: str) -> None:
    facts = json.loads(run("info", address, "--json").stdout)
    assert (facts["documents"], facts["documents_with_latent_terms"]) == (4, 4)
    assert facts["keyword_fields"] == ["lang"]
    assert facts["bytes_on_disk"] > 0


@pytest.mark.parametrize("verb", [("search", "x"), ("explain", "x", "n1"), ("info",)])
def test_a_missing_index_is_one_sentence(url: str, verb: tuple[str, ...]) -> None:
    name, *arguments = verb
    result = run(name, f"{url}/engines-nowhere", *arguments, code=1)
    assert result.stderr.startswith("Error: ")
    assert "no such index [engines-nowhere]" in result.stderr
    assert result.stdout == ""


def test_a_server_that_is_down_is_one_sentence() -> None:
    result = run("search", "opensearch://me:secret@127.0.0.1:1/x", "y", code=1)
    assert "cannot be reached" in result.stderr
    assert "secret" not in result.stderr


def test_a_query_file_for_a_folder_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "notes.jsonl"
    source.write_text(json.dumps(NOTES[0]))
    run("index", source, "--into", tmp_path / "index", "--no-latent")
    path = query_file(tmp_path, {"aggs": {}})
    result = run("search", tmp_path / "index", "x", "--query-file", path, code=1)
    assert "body is for OpenSearch and Elasticsearch" in result.stderr
