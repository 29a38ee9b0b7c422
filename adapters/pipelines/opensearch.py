"""Bodies for OpenSearch: models that call the sidecar, ingest and search pipelines. No I/O."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from ..dialect.dialect import hash_field_name
from ..server.request import ServerRequest
from .pipelines import Names, Role, Wanted

# Between the steps of a pipeline, in the document; taken out by the last one.
TEXT = "latent_terms_text"
MAP = "latent_terms_map"

# A text that holds `${parameters.NAME}` of a parameter in use ends in an error of ml-commons.
# Document texts are made harmless by a space; a query is not changed, so its name is a rare one.
QUERY = "latent_terms_query"
_RERANK_TEXT = "ext.rerank.query_context.query_text"

# As adapters.document_text: the strings of the fields, however deep, joined by newlines.
COLLECT = """
void strings(def value, List path, List into) {
  if (value instanceof List) {
    for (def item : value) { strings(item, path, into); }
  } else if (path.isEmpty()) {
    if (value instanceof String) { into.add(value); }
  } else if (value instanceof Map) {
    for (int end = 1; end <= path.size(); ++end) {
      String key = String.join('.', path.subList(0, end));
      if (value.containsKey(key)) { strings(value.get(key), path.subList(end, path.size()), into); }
    }
  }
}
for (String name : params.remove) { ctx.remove(name); }
List texts = new ArrayList();
for (List path : params.paths) { strings(ctx, path, texts); }
String text = String.join(params.separator, texts);
if (!text.trim().isEmpty()) {
  ctx[params.text] = text.replace('${parameters.', '$ {parameters.');
}
""".strip()

# No text: an empty field, as a back-fill leaves it. Text and no map: it could not be encoded.
SPELL = """
if (ctx.containsKey(params.map)) {
  StringBuilder spelled = new StringBuilder();
  for (def entry : ctx[params.map].entrySet()) {
    int frequency = (int) entry.getValue();
    for (int i = 0; i < (params.repeat ? frequency : 1); ++i) {
      spelled.append(' ').append(entry.getKey());
    }
    if (!params.repeat) { spelled.append('|').append(frequency); }
  }
  ctx[params.field] = spelled.toString().trim();
} else if (!ctx.containsKey(params.text)) {
  ctx[params.field] = '';
}
""".strip()


def models(wanted: Wanted) -> dict[Role, dict[str, Any]]:
    """Bodies of `POST /_plugins/_ml/models/_register`, each with its connector."""
    fingerprint = wanted.latent.fingerprint
    documents = {"input_type": "document", "format": "maps", "fingerprint": fingerprint}
    queries = {"input_type": "query", "echo": True, "fingerprint": fingerprint}
    embedding = {"pre_process_function": "connector.pre_process.default.embedding"}
    rerank = {
        "pre_process_function": "connector.pre_process.cohere.rerank",
        "post_process_function": "connector.post_process.cohere.rerank",
    }
    return {
        "documents": _model(
            wanted,
            "documents",
            _action(wanted, "/v1/encode", _request("${parameters.input}", documents), embedding),
            {"max_connection": 30, "read_timeout": 40, "max_retry_times": 3},
        ),
        "queries": _model(
            wanted,
            "queries",
            _action(wanted, "/v1/encode", _request(f"${{parameters.{QUERY}}}", queries), {}),
            {"max_connection": 100, "read_timeout": 5, "max_retry_times": 0},
        ),
        "rerank": _model(
            wanted,
            "rerank",
            _action(
                wanted,
                "/v1/rerank",
                '{"query": "${parameters.query}", "documents": ${parameters.documents}}',
                rerank,
            ),
            {"max_connection": 100, "read_timeout": 10, "max_retry_times": 0},
        ),
    }


def ingest_pipeline(wanted: Wanted, documents: str) -> dict[str, Any]:
    """Body of `PUT /_ingest/pipeline/NAME`; `documents` is the id of the model."""
    latent = wanted.latent
    encode = {
        "model_id": documents,
        "field_map": {TEXT: MAP},
        "batch_size": wanted.batch_size,
        "ignore_failure": wanted.skip_failures,
    }
    collect = {
        "text": TEXT,
        "separator": "\n",
        "paths": [name.split(".") for name in latent.text_fields],
        "remove": [TEXT, MAP, latent.name, hash_field_name(latent.name)],
    }
    spell = {
        "text": TEXT,
        "map": MAP,
        "field": latent.name,
        "repeat": latent.spelling == "repeat",
    }
    return {
        "description": f"latent-terms: {latent.name} of {', '.join(latent.text_fields)}",
        "processors": [
            {"script": {"source": COLLECT, "params": collect}},
            {"sparse_encoding": encode},
            {"script": {"source": SPELL, "params": spell}},
            {"remove": {"field": [TEXT, MAP], "ignore_missing": True}},
        ],
    }


def search_pipeline(wanted: Wanted, queries: str) -> dict[str, Any]:
    """Body of `PUT /_search/pipeline/NAME`. The text of each `match` on the latent field is
    encoded, wherever in the request it stands; where that fails, the text finds nothing there."""
    return {
        "description": f"latent-terms: encodes what {wanted.latent.name} is asked to match",
        "request_processors": [_encode_query(wanted, queries, {})],
    }


def reranking_pipeline(wanted: Wanted, queries: str, rerank: str) -> dict[str, Any]:
    """Body of `PUT /_search/pipeline/NAME`: also reranks, by the text that was encoded.

    That text is put into the request by the answer. A request that brings `ext.rerank` itself
    cannot be encoded: OpenSearch writes that part down in a form that it does not read (3.6).
    """
    return {
        "description": f"latent-terms: encodes, and reranks {wanted.oversample} times the hits",
        "request_processors": [
            {"oversample": {"sample_factor": wanted.oversample}},
            _encode_query(wanted, queries, {_RERANK_TEXT: "$.data[0].text"}),
        ],
        "response_processors": [
            {
                "rerank": {
                    "ml_opensearch": {"model_id": rerank},
                    "context": {"document_fields": list(wanted.latent.text_fields)},
                    "ignore_failure": True,
                }
            },
            {"truncate_hits": {}},
        ],
    }


def _encode_query(wanted: Wanted, queries: str, more: dict[str, str]) -> dict[str, Any]:
    """`more`: what else of the answer goes where into the request."""
    path = f"$..match.{wanted.latent.name}.query"
    return {
        "ml_inference": {
            "model_id": queries,
            "input_map": [{QUERY: path}],
            "output_map": [{path: "$.data[0].latent_query", **more}],
            "ignore_failure": True,
        }
    }


def _request(input: str, constants: dict[str, Any]) -> str:
    """JSON but for the parameter, which ml-commons replaces by JSON."""
    return f'{{"input": {input}, {json.dumps(constants)[1:]}'


def _action(wanted: Wanted, path: str, body: str, functions: dict[str, str]) -> dict[str, Any]:
    key = {"Authorization": "Bearer ${credential.key}"} if wanted.sidecar.key else {}
    return {
        "action_type": "PREDICT",
        "method": "POST",
        "url": f"{wanted.sidecar.url}{path}",
        "headers": {"Content-Type": "application/json", **key},
        "request_body": body,
        **functions,
    }


def _model(
    wanted: Wanted, role: Role, action: dict[str, Any], client: dict[str, Any]
) -> dict[str, Any]:
    name = wanted.names.models[role]
    connector: dict[str, Any] = {
        "name": name,
        "description": "The latent-terms sidecar",
        "version": "1",
        "protocol": "http",
        # else a text with `${parameters.x}` would be refused
        "parameters": {"skip_validating_missing_parameters": "true"},
        # retried is what the sidecar refuses by 429; the times are in seconds
        "client_config": {
            "connection_timeout": 5,
            "retry_backoff_policy": "exponential_full_jitter",
            **client,
        },
        "actions": [action],
    }
    if wanted.sidecar.key:
        connector["credential"] = {"key": wanted.sidecar.key}
    return {
        "name": name,
        "function_name": "remote",
        "description": "The latent-terms sidecar",
        "connector": connector,
    }


def example(names: Names, text_fields: Sequence[str]) -> list[ServerRequest]:
    """A search that is encoded and reranked by the pipelines."""
    text = "why is the sky blue"
    matches = [{"match": {name: {"query": text}}} for name in (*text_fields, names.field)]
    path = f"/{quote(names.index, safe='')}/_search?search_pipeline={quote(names.reranking)}"
    body = {
        "query": {"bool": {"should": matches}},
        "_source": {"excludes": [names.field]},
    }
    return [ServerRequest("POST", path, body)]
