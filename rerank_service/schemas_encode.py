"""Bodies of /v1/encode and /v1/embeddings. Unknown fields are tolerated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from rerank_service.encoding import Side

_OTHER_NAMES = ("inputs", "texts", "text_docs")
_SIDES: dict[object, Side] = {
    None: "document",
    "": "document",
    **dict.fromkeys(("document", "passage", "ingest", "search_document"), "document"),
    **dict.fromkeys(("query", "search", "search_query"), "query"),
}


def _texts(given: Any) -> Any:
    """One text or a list; null is a text without words, as a missing field is in OpenSearch."""
    return [_text(each) for each in (given if isinstance(given, list) else [given])]


def _text(given: Any) -> Any:
    """A list in the list is one text: a field of several values, as OpenSearch sends it."""
    if isinstance(given, list):
        parts = [_text(each) for each in given if each is not None]
        return "\n".join(parts) if all(isinstance(part, str) for part in parts) else given
    return "" if given is None else given


def _side(given: Any) -> Side:
    # Elasticsearch's custom service says ingest and search, Cohere's clients search_document.
    if isinstance(given, str | None) and (side := _SIDES.get(given)):
        return side
    raise ValueError('input_type is "document" or "query"')


Texts = Annotated[
    list[str],
    BeforeValidator(_texts),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {
                        "anyOf": [
                            {"type": "string"},
                            {"type": "null"},
                            {"type": "array", "items": {"type": ["string", "null"]}},
                        ]
                    },
                },
                {"type": "null"},
            ]
        }
    ),
]
InputType = Annotated[
    Side,
    BeforeValidator(_side),
    WithJsonSchema({"type": "string", "enum": sorted(str(each) for each in _SIDES if each)}),
]
Milliseconds = Annotated[int, Field(ge=1, le=86_400_000)]


class EncodeRequest(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"input": ["how wings make lift"], "input_type": "document"},
                {"input": "why is the sky blue", "input_type": "query", "format": "terms"},
                {"input": ["a text", None], "format": "maps"},
            ]
        }
    )

    input: Texts = Field(
        description="A text or a list of them; null counts as an empty text. Also understood as "
        "inputs, texts or text_docs.",
    )
    input_type: InputType = "document"
    format: Literal["text", "terms", "sparse", "maps"] = Field(
        "text",
        description="text: latent terms as text for a text field. terms: also as {term: weight}. "
        "sparse: also as [{token, weight}], for Elasticsearch's custom service. "
        "maps: nothing but a bare list of {term: weight}, for OpenSearch's sparse_encoding.",
    )
    spelling: Literal["repeat", "frequencies"] = Field(
        "repeat",
        description='How documents are spelled: "t17 t17", for any whitespace analyser, or '
        '"t17|2", for a field with delimited_term_freq.',
    )
    vectors: bool = Field(False, description="Also token vectors, in half precision, base64.")
    echo: bool = Field(False, description="Also each text itself.")
    fingerprint: str | None = Field(
        None, description="Of the model whose terms are wanted; if it is another, 422."
    )
    timeout_ms: Milliseconds | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_name(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "input" in given:
            return given
        texts = [given[name] for name in _OTHER_NAMES if name in given]
        return given | {"input": texts[0]} if texts else given


class TokenWeight(BaseModel):
    token: str
    weight: int


class PackedVectors(BaseModel):
    """Token vectors: little-endian numbers, row by row, in base64."""

    dtype: Literal["float16"]
    shape: tuple[int, int]
    data: str


class EncodedItem(BaseModel):
    index: int
    model: str = Field(description="Name and fingerprint of the model.")
    tokens: int
    text: str | None = None
    latent_text: str | None = Field(None, description="Of a document.")
    latent_query: str | None = Field(None, description="Of a query, most telling term first.")
    terms: dict[str, int] | None = None
    embedding: list[TokenWeight] | None = None
    vectors: PackedVectors | None = None


class Usage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EncodeAnswer(BaseModel):
    object: Literal["list"]
    model: str
    fingerprint: str
    data: list[EncodedItem]
    usage: Usage


class EmbeddingsRequest(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": ["how wings make lift"], "model": "minilm-en"}]}
    )

    input: Texts
    model: str | None = Field(None, description="Ignored: there is one model.")
    input_type: InputType = "document"
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(None, description="Only the model's own number.")
    timeout_ms: Milliseconds | None = None


class EmbeddingItem(BaseModel):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingsAnswer(BaseModel):
    object: Literal["list"]
    model: str
    data: list[EmbeddingItem]
    usage: Usage
