"""The body of every rerank route, in anyone's words. Unknown fields are tolerated."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from rerank_service.schemas_encode import Milliseconds, PackedVectors, Usage


def _document(given: Any) -> Any:
    """A missing field arrives from OpenSearch as nothing at all, or as null."""
    return "" if given is None else given


Document = Annotated[str | dict[str, Any], BeforeValidator(_document)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class RerankRequest(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "how do wings make lift",
                    "documents": ["Pressure below a wing is higher.", "The cat sat on the mat."],
                },
                {"query": "lift", "texts": ["wings", "cats"], "return_text": True},
                {"query": "lift", "input": ["wings", "cats"], "top_k": 1, "return_input": True},
            ]
        }
    )

    query: str
    documents: list[Document] | None = Field(None, description="As Cohere, Jina, Voyage say.")
    texts: list[Document] | None = Field(
        None, description="As text-embeddings-inference says; the answer is a bare list then."
    )
    input: list[Document] | Document | None = Field(None, description="As Mixedbread says.")
    model: str | None = Field(None, description="Ignored: there is one model.")
    top_n: Count | None = Field(None, description="How many results; none or 0: all.")
    top_k: Count | None = Field(None, description="The same.")
    return_documents: bool | None = None
    return_text: bool | None = None
    return_input: bool | None = None
    rank_fields: list[str] | None = Field(
        None, description='Fields that make up the text of documents that are objects: ["text"].'
    )
    raw_scores: bool = Field(False, description="Sums of cosines in place of their means.")
    truncate: bool | None = Field(
        None, description="false: a document that is longer than is read is an error."
    )
    truncation: bool | None = Field(None, description="The same, as Voyage says.")
    max_tokens_per_doc: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    vectors: list[PackedVectors | None] | None = Field(
        None, description="Token vectors of each document, as /v1/encode gives them."
    )
    mode: str | None = Field(None, description='"maxsim" is the only one.')
    instruction: str | None = Field(None, description="Not applied by maxsim; a note says so.")
    metadata: Any = Field(None, description="Not used by maxsim; a note says so.")
    now: Any = Field(None, description="Not used by maxsim; a note says so.")
    timeout_ms: Milliseconds | None = None
    on_error: Literal["fail", "passthrough"] = Field(
        "fail",
        description="passthrough: where scoring fails or is late, the order that came in.",
    )

    @model_validator(mode="after")
    def _one_list(self) -> Self:
        given = [
            name for name in ("documents", "texts", "input") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"give one of documents, texts and input; {found} is there")
        return self


class TeiResult(BaseModel):
    index: int
    score: float
    relevance_score: float
    text: str | None = None


class RerankResult(BaseModel):
    index: int
    relevance_score: float
    document: Any = None


class RerankMeta(BaseModel):
    api_version: dict[str, str]
    billed_units: dict[str, int]
    warnings: list[str] = []


class RerankAnswer(BaseModel):
    """Cohere's, Jina's and vLLM's answer; Voyage's is ``data`` in place of ``results``."""

    id: str
    object: Literal["list"]
    model: str
    fingerprint: str
    results: list[RerankResult] = Field(description="Best first.")
    scores: list[float] = Field(description="Of all documents, in the order they came in.")
    score_type: Literal["maxsim_mean", "maxsim_sum", "position"]
    rerank_status: Literal["ok", "partial", "fallback"]
    fallback_reason: str | None
    notes: list[str]
    cached_documents: int
    truncated: list[int]
    empty: list[int]
    failed: list[int]
    meta: RerankMeta
    usage: Usage
    data: list[RerankResult] | None = None


class MixedbreadResult(BaseModel):
    index: int
    score: float
    input: Any = None
    object: Literal["rank_result"]


class MixedbreadAnswer(BaseModel):
    usage: Usage
    model: str
    data: list[MixedbreadResult]
    object: Literal["list"]
    top_k: int
    return_input: bool
