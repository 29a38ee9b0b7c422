"""Bodies for Elasticsearch: inference endpoints that call the sidecar, and what searches look like
by them. No I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ..server.request import ServerRequest
from .pipelines import Names, Task, Wanted

_NO_KEY = "none"  # the API wants one


def endpoints(wanted: Wanted) -> dict[Task, dict[str, Any]]:
    """Bodies of `PUT /_inference/TASK/NAME`.

    The service `custom` refuses texts that hold `${...}`, so it encodes queries only;
    `hugging_face`, which speaks as text-embeddings-inference does, takes any document.
    """
    sidecar = wanted.sidecar
    constants = {"input_type": "query", "fingerprint": wanted.latent.fingerprint}
    completion = {
        "secret_parameters": {"api_key": sidecar.key or _NO_KEY},
        "url": f"{sidecar.url}/v1/encode",
        "headers": {
            "Authorization": "Bearer ${api_key}",
            "Content-Type": "application/json",
        },
        "request": f'{{"input": ${{input}}, {json.dumps(constants)[1:]}',
        "response": {"json_parser": {"completion_result": "$.data[*].latent_query"}},
    }
    rerank = {"api_key": sidecar.key or _NO_KEY, "url": f"{sidecar.url}/rerank"}
    return {
        "completion": {"service": "custom", "service_settings": completion},
        "rerank": {"service": "hugging_face", "service_settings": rerank},
    }


def example(names: Names, text_fields: Sequence[str]) -> list[ServerRequest]:
    """What encodes a query, and a search by its answer that is reranked."""
    text = "why is the sky blue"
    encoded = {**dict.fromkeys(text_fields, text), names.field: "RESULT OF THE FIRST REQUEST"}
    matches = [{"match": {name: {"query": query}}} for name, query in encoded.items()]
    reranker = {
        "retriever": {"standard": {"query": {"bool": {"should": matches}}}},
        "field": text_fields[0],
        "inference_id": names.endpoints["rerank"],
        "inference_text": text,
        "rank_window_size": 50,
        "allow_rerank_failures": True,
    }
    body = {
        "retriever": {"text_similarity_reranker": reranker},
        "_source": {"excludes": [names.field]},
    }
    completion = f"/_inference/completion/{names.endpoints['completion']}"
    return [
        ServerRequest("POST", completion, {"input": text}),
        ServerRequest("POST", f"/{quote(names.index, safe='')}/_search", body),
    ]
