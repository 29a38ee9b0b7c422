"""How a schema and its documents look in tantivy: fields, analysers, stored source."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import tantivy

from ..filters import ID_FIELD
from ..preparing import Prepared
from ..types import Analyzer, Schema, Source
from ..values import at, instants, numbers, strings, without_surrogates

SOURCE_FIELD = "_source"
HAS_TERMS_FIELD = "_has_terms"

# BM25 needs frequencies only; positions would double the index
INDEX_OPTION = "freq"

_WORDS = "words"
_LONGEST_WORD = 1_000  # bytes


class TantivyMapping:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.fields = _fields(schema)
        self._analyzer = build_analyzer(schema.analyzer)

    def register(self, index: tantivy.Index) -> None:
        """Analysers are not stored with a tantivy index: each opened index needs them anew."""
        index.register_tokenizer(_WORDS, self._analyzer)

    def words(self, text: str) -> Counter[str]:
        """The words of a query, analysed like those of documents, with their frequencies."""
        return Counter(self._analyzer.analyze(_plain(text)))

    def document(self, prepared: Prepared) -> tantivy.Document:
        given = prepared.document
        result = tantivy.Document()
        result.add_text(ID_FIELD, given.id)
        result.add_bytes(SOURCE_FIELD, prepared.source.encode("utf-8", "surrogatepass"))
        self._add_values(result, given.source)
        if given.terms is not None and self.schema.terms_field is not None:
            spelled = " ".join(term for term, n in given.terms.items() for _ in range(n))
            result.add_text(self.schema.terms_field, spelled)
            result.add_boolean(HAS_TERMS_FIELD, True)
        return result

    def _add_values(self, result: tantivy.Document, source: Any) -> None:
        for field in self.schema.text:
            for text in strings(at(source, field)):
                result.add_text(field, _plain(text))
        for field in self.schema.keyword:
            for keyword in strings(at(source, field)):
                result.add_text(field, without_surrogates(keyword))
        for field in self.schema.number:
            for number in numbers(at(source, field)):
                result.add_float(field, number)
        for field in self.schema.date:
            for instant in instants(at(source, field)):
                result.add_integer(field, instant.first)


def stored_source(document: tantivy.Document) -> Source:
    stored: bytes = document.get_first(SOURCE_FIELD)  # type: ignore[assignment]
    source: Source = json.loads(stored.decode("utf-8", "surrogatepass"))
    return source


def stored_id(document: tantivy.Document) -> str:
    return str(document.get_first(ID_FIELD))


def build_analyzer(name: Analyzer) -> tantivy.TextAnalyzer:
    """Words much as Lucene's analyser of that name cuts them.

    It differs in words of more than 1,000 bytes, which are dropped instead of split; in emoji made
    of several characters, which are several words; and in English stems, which are those of
    Snowball's newer stemmer instead of Porter's.
    """
    builder = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(_word_pattern()))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.remove_long(_LONGEST_WORD))
    )
    if name == "english":
        builder = builder.filter(tantivy.Filter.stopword("english"))
        builder = builder.filter(tantivy.Filter.stemmer("english"))
    return builder.build()


def _word_pattern() -> str:
    """The word boundaries of Unicode's UAX #29 as one regular expression.

    Letters, digits and underscores run together, but underscores alone are no word; `'`, `.` and
    `:` hold letters together, `.` and `,` digits; a Han or Hiragana character is a word, a run of
    Katakana is one.
    """
    marks = r"[\p{M}[\p{Cf}--\x{200B}]]*"
    kana = rf"[\p{{Katakana}}ー]{marks}"
    letter = rf"[\p{{Alphabetic}}--[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}ー]]{marks}"
    digit = rf"\p{{Nd}}{marks}"
    letters = rf"{letter}(?:[:·.'’‘․﹒＇．﹕︓]{letter})*"
    digits = rf"{digit}(?:[,;.'’‘․﹒＇．]{digit})*"
    single = rf"[\p{{Han}}\p{{Hiragana}}]{marks}|\p{{Emoji_Presentation}}"
    joined = rf"\p{{Pc}}{marks}"
    run = rf"(?:{joined})*(?:{letters}|{digits})(?:{letters}|{digits}|{joined})*"
    return rf"{run}|(?:{kana})+|{single}"


def _plain(text: str) -> str:
    # the stemmer knows the straight apostrophe only, and books use the other one
    return without_surrogates(text).replace("’", "'")


def _fields(schema: Schema) -> tantivy.Schema:
    # dates are microseconds in an integer field: tantivy's own date field keeps whole seconds
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID_FIELD, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(SOURCE_FIELD, stored=True)
    builder.add_boolean_field(HAS_TERMS_FIELD, indexed=True)
    for field in schema.text:
        builder.add_text_field(field, tokenizer_name=_WORDS, index_option=INDEX_OPTION)
    for field in schema.keyword:
        builder.add_text_field(field, tokenizer_name="raw", index_option="basic")
    for field in schema.number:
        builder.add_float_field(field, fast=True)
    for field in schema.date:
        builder.add_integer_field(field, fast=True)
    if schema.terms_field is not None:
        builder.add_text_field(
            schema.terms_field, tokenizer_name="whitespace", index_option=INDEX_OPTION
        )
    return builder.build()
