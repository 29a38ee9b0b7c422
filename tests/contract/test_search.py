"""Search puts an engine and an encoder together: indexing that resumes, three modes, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pytest

from adapters import AnyOf, Document, Engine, Schema, Search
from adapters.errors import DocumentsRejected, ModelMismatch, QueryRejected


class LengthEncoder:
    """A model to compute in one's head: a word of n letters is the term tn."""

    def __init__(self, fingerprint: str = "3f9a1c0b77de") -> None:
        self.fingerprint = fingerprint
        self.encoded: list[str] = []

    def encode_documents(self, texts: Iterable[str]) -> Iterator[Mapping[str, int]]:
        ahead: list[str] = []
        for text in texts:
            ahead.append(text)
            if len(ahead) == 100:
                yield from map(self._encode, ahead)
                ahead = []
        yield from map(self._encode, ahead)

    def encode_query(self, text: str) -> Mapping[str, int]:
        return Counter(f"t{len(word)}" for word in text.split())

    def _encode(self, text: str) -> Mapping[str, int]:
        self.encoded.append(text)
        return self.encode_query(text)


@pytest.fixture
def encoder() -> LengthEncoder:
    return LengthEncoder()


@pytest.fixture
def search(engine: Engine, encoder: LengthEncoder) -> Search:
    return Search(engine, encoder)


def documents(n: int, word: str = "word") -> list[Document]:
    return [Document(str(i), {"title": f"{word} {'x' * (i % 9 + 1)}"}) for i in range(n)]


def test_text_goes_in_and_ranked_hits_come_out(search: Search) -> None:
    search.index([Document("a", {"title": "red fox"}), Document("b", {"title": "ten hens"})])
    result = search.search("big red dog")
    assert [hit.id for hit in result.hits] == ["a", "b"]
    a, b = result.hits
    assert a.lexical > 0 and a.latent > 0
    assert b.lexical == 0 and b.latent > 0


def test_the_encoder_reads_the_text_fields_in_order(search: Search, encoder: LengthEncoder) -> None:
    source = {"body": ["b1", None, "b2"], "title": "t", "tag": "no", "other": "no"}
    search.index([Document("a", source), Document("b", {})])
    assert encoder.encoded == ["t\nb1\nb2", ""]


@pytest.mark.parametrize(
    ("mode", "expected"), [("lexical", {"a"}), ("latent", {"b"}), ("combined", {"a", "b"})]
)
def test_a_mode_chooses_the_parts(
    engine: Engine, search: Search, mode: str, expected: set[str]
) -> None:
    search.index([Document("b", {"title": "gate"}), Document("c", {"title": "x"})])
    engine.add([Document("a", {"title": "fish"})])
    engine.refresh()
    result = search.search("fish", mode=mode)  # type: ignore[arg-type]
    assert {hit.id for hit in result.hits} == expected


def test_options_reach_the_engine(engine: Engine, search: Search) -> None:
    search.index(Document(str(i), {"title": "fish", "tag": f"t{i % 2}"}) for i in range(10))
    engine.refresh()
    result = search.search(
        "fish",
        filters=(AnyOf("tag", ("t1",)),),
        fields=("title",),
        size=2,
        offset=1,
        lexical_weight=0.0,
        latent_weight=2.0,
    )
    assert result.total == 5
    assert [hit.rank for hit in result.hits] == [2, 3]
    assert [hit.lexical for hit in result.hits] == [0.0, 0.0]
    assert result.hits[0].score == pytest.approx(2 * result.hits[0].latent)


def test_without_an_encoder_words_are_searched(engine: Engine, search: Search) -> None:
    search.index([Document("a", {"title": "fish"}), Document("b", {"title": "gate"})])
    engine.refresh()
    plain = Search(engine)
    assert [hit.id for hit in plain.search("fish").hits] == ["a"]
    with pytest.raises(QueryRejected, match="encoder"):
        plain.search("fish", mode="latent")


def test_an_unknown_mode_is_refused(search: Search) -> None:
    with pytest.raises(QueryRejected, match="'dense'.*combined, lexical, latent"):
        search.search("x", mode="dense")  # type: ignore[arg-type]


def test_a_text_without_terms_matches_nothing(engine: Engine, search: Search) -> None:
    search.index(documents(3))
    engine.refresh()
    assert search.search("", mode="latent").total == 0


def test_explaining_one_document_names_what_matched(engine: Engine, search: Search) -> None:
    search.index([Document("a", {"title": "red fox"}), Document("b", {"title": "x"})])
    engine.refresh()
    hit = search.explain("big red dogs", "a")
    assert hit is not None
    assert hit.term_scores.keys() == {"t3", "title:red"}
    assert search.explain("big red dogs", "b") is None
    assert search.explain("big red dogs", "nowhere") is None


def test_indexing_again_encodes_only_what_changed(
    engine: Engine, search: Search, encoder: LengthEncoder
) -> None:
    assert search.index(documents(600)).indexed == 600
    encoder.encoded.clear()
    changed = [*documents(599), Document("599", {"title": "new"}), Document("more", {})]
    progress = search.index(changed)
    assert (progress.indexed, progress.skipped) == (2, 599)
    assert encoder.encoded == ["new", ""]
    engine.refresh()
    assert engine.count() == 601


def test_documents_that_were_added_without_terms_get_them(engine: Engine, search: Search) -> None:
    engine.add(documents(5))
    assert search.index(documents(5)).indexed == 5
    engine.refresh()
    assert engine.statistics().documents_with_terms == 5


def test_indexing_resumes_after_an_interruption(
    engine: Engine, search: Search, encoder: LengthEncoder
) -> None:
    def interrupted() -> Iterator[Document]:
        yield from documents(1_700)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search.index(interrupted())
    encoder.encoded.clear()
    progress = search.index(documents(2_000))
    assert progress.skipped >= 1_000
    assert progress.indexed == 2_000 - progress.skipped == len(encoder.encoded)
    engine.refresh()
    assert engine.statistics().documents_with_terms == 2_000


def test_the_last_of_several_documents_with_one_id_wins_every_time(
    engine: Engine, search: Search
) -> None:
    twice = [*documents(400, "old"), *documents(400, "new")]
    for _ in range(2):
        search.index(twice)
        engine.refresh()
        assert search.search("old", mode="lexical").total == 0
        assert search.search("new", mode="lexical").total == 400


def test_progress_counts_up_to_the_end(engine: Engine, search: Search) -> None:
    search.index(documents(300))
    seen = []
    search.index(documents(2_500), progress=seen.append)
    assert len(seen) > 5
    assert [p.indexed for p in seen] == sorted(p.indexed for p in seen)
    assert (seen[-1].indexed, seen[-1].skipped) == (2_200, 300)


def test_an_encoder_of_another_model_is_refused_before_it_works(
    engine: Engine, search: Search
) -> None:
    search.index(documents(3))
    other = LengthEncoder("aaaaaaaaaaaa")
    with pytest.raises(ModelMismatch, match="3f9a1c0b77de.*aaaaaaaaaaaa"):
        Search(engine, other).index(documents(3))
    with pytest.raises(ModelMismatch, match="3f9a1c0b77de.*aaaaaaaaaaaa"):
        Search(engine, other).search("x")
    assert other.encoded == []


def test_an_index_with_a_model_takes_documents_with_its_encoder_only(engine: Engine) -> None:
    with pytest.raises(ModelMismatch, match="3f9a1c0b77de.*tiny"):
        Search(engine).index(documents(3))


def test_an_index_without_a_model_is_filled_and_searched_by_words(
    new_engine: Engine, encoder: LengthEncoder
) -> None:
    new_engine.create(Schema(text=("title",)))
    plain = Search(new_engine)
    assert plain.index([Document("a", {"title": "fish"}, {"t1": 1})]).indexed == 1
    assert plain.index([Document("a", {"title": "fish"})]).skipped == 1
    new_engine.refresh()
    assert plain.search("fish").total == 1
    with pytest.raises(ModelMismatch, match="without latent terms"):
        Search(new_engine, encoder).search("fish")


def test_a_bad_document_stops_indexing_and_names_itself(engine: Engine, search: Search) -> None:
    bad = [Document("good", {"title": "x"}), Document("bad", {"title": 7})]
    with pytest.raises(DocumentsRejected, match="'bad', title: 7"):
        search.index(bad)
    with pytest.raises(DocumentsRejected, match="not a string"):
        search.index([Document(None, {})])  # type: ignore[arg-type]
    with pytest.raises(DocumentsRejected, match="not a JSON object"):
        search.index([Document("bad", "text")])  # type: ignore[arg-type]
    engine.refresh()
    assert engine.count() == 0
