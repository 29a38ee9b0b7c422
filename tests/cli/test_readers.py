"""Reading documents: what is read, and what is said about what is not."""

from __future__ import annotations

import gzip
from pathlib import Path

import click
import pytest

from latent_terms.commands.files import total_size
from latent_terms.commands.readers import Reader, Record, Rejected

LINES = '{"_id": "a", "title": "Wings", "year": 1903}\n\n{"id": 7, "text": "sept\\u00e9"}\n'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_json_lines_become_documents_without_their_id_field(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", LINES)
    assert list(Reader().read([path])) == [
        Record("a", {"title": "Wings", "year": 1903}, f"{path}, line 1"),
        Record("7", {"text": "septé"}, f"{path}, line 3"),
    ]


def test_a_packed_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "corpus.jsonl", LINES)
    packed = write(tmp_path / "corpus.jsonl.gz", gzip.compress(LINES.encode()))
    sources = [[(d.id, d.source) for d in Reader().read([path])] for path in (plain, packed)]
    assert sources[0] == sources[1]
    assert len(sources[0]) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"_id": "b",', "not JSON: Expecting"),
        (b'["b"]', "not a JSON object"),
        (b'{"title": "no id", "key": 4}', "name the id with --id-field (fields here: title, key)"),
        (b'{"_id": ""}', '_id is ""'),
        (b'{"_id": true}', "_id is true"),
        (b'{"_id": 1.5}', "_id is 1.5"),
        (b'{"_id": null}', "_id is null"),
        (b'{"_id": "b", "x": NaN}', "NaN is not a JSON number"),
        (b'{"_id": "\xff"}', "not JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_rejected_by_file_and_line_and_the_next_is_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = write(tmp_path / "corpus.jsonl", b'{"_id": "a"}\n' + line + b'\n{"_id": "c"}\n')
    first, bad, last = Reader().read([path])
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert (first.id, last.id) == ("a", "c")
    assert isinstance(bad, Rejected)
    assert bad.where == f"{path}, line 2"
    assert reason in bad.reason


def test_csv_cells_become_fields_and_empty_cells_none(tmp_path: Path) -> None:
    text = '\ufeffkey,title,year\nk1,"Lift, and\ndrag",1950\nk2,Thrust,\n'
    path = write(tmp_path / "corpus.csv", text)
    first, second = Reader(id_field="key", number_fields=("year",)).read([path])
    assert first == Record("k1", {"title": "Lift, and\ndrag", "year": 1950}, f"{path}, line 3")
    assert second == Record("k2", {"title": "Thrust"}, f"{path}, line 4")


def test_tab_separated_cells_keep_their_commas(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.tsv", "id\ttitle\n1\tsalt, sand\n")
    (document,) = Reader().read([path])
    assert document == Record("1", {"title": "salt, sand"}, f"{path}, line 2")


def test_a_csv_row_with_a_cell_too_many_or_a_word_for_a_number_is_rejected(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.csv", "id,year\n1,1950,x\n2,soon\n3,1951\n")
    wide, word, good = Reader(number_fields=("year",)).read([path])
    assert wide == Rejected(f"{path}, line 2", "3 cells, but the header has 2", ["1", "1950", "x"])
    assert isinstance(word, Rejected)
    assert word.reason == "year: 'soon' is not a number"
    assert good == Record("3", {"year": 1951}, f"{path}, line 4")


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity"])
def test_what_float_reads_as_infinite_is_no_number(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "corpus.csv", f"id,year\n1,{cell}\n")
    (bad,) = Reader(number_fields=("year",)).read([path])
    assert isinstance(bad, Rejected)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("corpus.csv", "id,title\n1,a\n2,\xfc\n".encode("latin1"), "not UTF-8. Convert it"),
        ("corpus.csv", b'id,title\n1,a\n2,"open', "line 3: unexpected end of data"),
        ("corpus.jsonl.gz", b"not packed at all", "broken gzip file"),
        ("corpus.jsonl.gz", gzip.compress(LINES.encode() * 99)[:-20], "broken gzip file"),
        ("corpus.xml", b"<xml/>", "the name does not tell what this is"),
    ],
)
def test_a_file_that_cannot_be_read_ends_in_a_sentence_that_names_it(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(click.ClickException) as caught:
        list(Reader().read([path]))
    assert str(path) in caught.value.message
    assert sentence in caught.value.message


def test_a_folder_gives_its_text_files_in_order_named_by_their_path(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    (folder / "b" / ".git").mkdir(parents=True)
    write(folder / "b" / "two.txt", "plain words")
    write(folder / "a.md", "\n# Wings and lift\n\nA wing pushes air down.")
    write(folder / "b" / ".git" / "hidden.md", "hidden")
    write(folder / "b" / "data.bin", b"\x00")
    write(folder / "c.md", b"\xff\xfe")
    heading, rejected, plain = (
        list(Reader().read([folder]))[:1]
        + [d for d in Reader().read([folder]) if isinstance(d, Rejected)]
        + [d for d in Reader().read([folder]) if isinstance(d, Record)][1:]
    )
    assert isinstance(heading, Record)
    assert isinstance(plain, Record)
    assert (heading.id, heading.source["title"]) == ("notes/a.md", "Wings and lift")
    assert (plain.id, plain.source["title"]) == ("notes/b/two.txt", "two")
    assert plain.source["text"] == "plain words"
    assert isinstance(rejected, Rejected)
    assert rejected.where == str(folder / "c.md")


def test_a_packed_text_is_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "wings.md.gz", gzip.compress(b"# Wings\n\nLift."))
    (document,) = Reader().read([path])
    assert isinstance(document, Record)
    assert document.source["text"] == "# Wings\n\nLift."


def test_a_folder_without_text_says_so(tmp_path: Path) -> None:
    write(tmp_path / "corpus.jsonl", LINES)
    with pytest.raises(click.ClickException, match="JSONL and CSV files are given by their own"):
        list(Reader().read([tmp_path]))


def test_only_the_fields_asked_for_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus.jsonl", '{"_id": "a", "title": "t", "text": "x"}\n')
    (document,) = Reader(fields=("text", "absent")).read([path])
    assert document == Record("a", {"text": "x"}, f"{path}, line 1")


def test_progress_ends_at_the_size_of_everything(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    sources = [
        write(tmp_path / "a.jsonl", LINES),
        write(tmp_path / "b.jsonl.gz", gzip.compress(LINES.encode())),
        write(tmp_path / "folder" / "note.md", "# Note").parent,
        write(tmp_path / "single.txt", "words"),
    ]
    told: list[int] = []
    list(Reader(on_progress=told.append).read(sources))
    assert told == sorted(told)
    assert told[-1] == total_size(sources)
