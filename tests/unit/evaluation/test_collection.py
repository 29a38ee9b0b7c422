from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from latent_terms.evaluation import Collection, CollectionDocument, CollectionError

CORPUS = [
    {"_id": "Briney Peden", "title": "", "text": "likes pipe organs"},
    {"_id": "d2", "title": "Wings", "text": "lift and drag", "metadata": {"year": 1958}},
    {"_id": "d3", "text": "no title at all"},
]
QUERIES = [
    {"_id": "query 1", "text": "who likes organs?"},
    {"_id": "q2", "text": "aerodynamics"},
    {"_id": "unjudged", "text": "nobody judged this"},
]
QRELS = "query-id\tcorpus-id\tscore\nquery 1\tBriney Peden\t1\nq2\td2\t2\nq2\td3\t0\n"


def write(path: Path, text: str, *, gz: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if gz:
        Path(f"{path}.gz").write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


def jsonl(records: list[dict[str, object]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def write_collection(folder: Path, *, gz: bool = False) -> Path:
    write(folder / "corpus.jsonl", jsonl(CORPUS), gz=gz)
    write(folder / "queries.jsonl", jsonl(QUERIES), gz=gz)
    write(folder / "qrels" / "test.tsv", QRELS, gz=gz)
    return folder


@pytest.mark.parametrize("gz", [False, True])
def test_plain_and_gzipped_folders_read_the_same(tmp_path: Path, gz: bool) -> None:
    collection = Collection.read(write_collection(tmp_path / "tiny", gz=gz))

    assert collection.name == "tiny"
    assert list(collection.documents()) == [
        CollectionDocument("Briney Peden", "likes pipe organs"),
        CollectionDocument("d2", "Wings\nlift and drag"),
        CollectionDocument("d3", "no title at all"),
    ]
    assert collection.queries == {"query 1": "who likes organs?", "q2": "aerodynamics"}
    assert collection.qrels == {"query 1": {"Briney Peden": 1}, "q2": {"d2": 2, "d3": 0}}


def test_the_split_is_chosen_and_a_wrong_one_names_those_there_are(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\nunjudged\td3\t1\n", gz=True)

    assert Collection.read(tmp_path, split="dev").qrels == {"unjudged": {"d3": 1}}
    with pytest.raises(CollectionError, match="qrels/train.tsv.*splits there: dev, test"):
        Collection.read(tmp_path, split="train")


def test_judgements_without_a_header_lose_no_line(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "qrels" / "test.tsv", "q2\td2\t1\n")

    assert Collection.read(tmp_path).qrels == {"q2": {"d2": 1}}


def test_a_query_without_a_relevant_document_is_left_out(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "qrels" / "test.tsv", QRELS + "unjudged\td2\t0\n")

    assert "unjudged" not in Collection.read(tmp_path).queries


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_collection(tmp_path)
    (tmp_path / name).unlink()

    with pytest.raises(CollectionError, match=f"neither {name} nor {name}.gz"):
        Collection.read(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="nowhere is not a folder"):
        Collection.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 2: not JSON"),
        ('["a list"]', "line 2: expected an object"),
        ('{"_id": 7, "text": "ids are strings"}', "line 2: expected an object"),
        ('{"_id": "q3"}', "line 2: expected an object"),
    ],
)
def test_a_malformed_record_is_named_by_file_and_line(
    tmp_path: Path, line: str, message: str
) -> None:
    write_collection(tmp_path)
    write(tmp_path / "queries.jsonl", jsonl(QUERIES[:1]) + line + "\n")

    with pytest.raises(CollectionError, match=rf"queries\.jsonl, {message}"):
        Collection.read(tmp_path)


@pytest.mark.parametrize("line", ["q2 d2 1", "q2\td2", "q2\td2\tvery"])
def test_a_malformed_judgement_is_named_by_file_and_line(tmp_path: Path, line: str) -> None:
    write_collection(tmp_path)
    write(tmp_path / "qrels" / "test.tsv", QRELS + line + "\n")

    with pytest.raises(CollectionError, match=r"test\.tsv, line 5: .*tab-separated"):
        Collection.read(tmp_path)


def test_a_judged_query_without_text_is_an_error(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "queries.jsonl", jsonl(QUERIES[:1]))

    with pytest.raises(CollectionError, match="query 'q2' .* is not in queries.jsonl"):
        Collection.read(tmp_path)


def test_judgements_of_zero_only_leave_nothing_to_measure(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore\nq2\td2\t0\n")

    with pytest.raises(CollectionError, match="judges no document relevant"):
        Collection.read(tmp_path)


def test_a_document_id_twice_is_an_error(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "corpus.jsonl", jsonl([*CORPUS, CORPUS[1]]))

    with pytest.raises(CollectionError, match="holds document 'd2' twice"):
        list(Collection.read(tmp_path).documents())


def test_a_corpus_of_another_collection_is_an_error(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write(tmp_path / "corpus.jsonl", jsonl([{"_id": "other", "text": "strange"}]))

    with pytest.raises(CollectionError, match="holds none of the 3 documents judged"):
        list(Collection.read(tmp_path).documents())


def test_a_truncated_gzip_file_is_an_error(tmp_path: Path) -> None:
    write_collection(tmp_path, gz=True)
    path = tmp_path / "queries.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])

    with pytest.raises(CollectionError, match="cannot be read: .*fetch the file again"):
        Collection.read(tmp_path)
