"""OpenSearch and Elasticsearch behind the contract of an engine."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..bulk.answer import Outcome
from ..bulk.bulk import Bulk
from ..dialect.answer import own_source, read_result
from ..dialect.dialect import Dialect
from ..dialect.documents import delete_action, index_action, prepare_for_server
from ..dialect.mapping import new_index
from ..dialect.meta import LatentField
from ..dialect.query import matches_nothing, parts_of, search_body, with_field
from ..dialect.schema import Described, describe
from ..engine import Engine
from ..errors import (
    DocumentsRejected,
    EngineError,
    IndexExists,
    QueryRejected,
    Rejection,
    SchemaRejected,
)
from ..preparing import Prepared, batches, id_groups
from ..request import SearchRequest, check_fingerprint, check_request
from ..types import Document, Schema, SearchResult, Source, Statistics
from .cluster import Answer, Cluster
from .failures import failure, reason_of

_IDS_AT_ONCE = 500
_CLAUSE_LIMIT = re.compile(r"[mM]ax_?[cC]lause_?[cC]ount is set to (\d+)")
_MAPPING_SECONDS = 5.0
"""Searches use a mapping of at most this age, so that a new active field is noticed."""


class ServerEngine(Engine):
    """One index of a cluster, created by this package or the user's own with a latent field added.

    Searches are answered from the field of the model that the request's terms come from, so two
    models can be searched side by side while one takes over from the other.
    """

    def __init__(self, cluster: Cluster, index: str) -> None:
        self.cluster = cluster
        self.index = index
        self._path = f"/{quote(index, safe='')}"
        self._known: tuple[float, Described] | None = None

    def create(self, schema: Schema) -> None:
        schema.check_new()
        body = new_index(self._dialect, schema)
        answer = self.cluster.request("PUT", self._path, body=body, accept=(400,))
        self._known = None
        if answer.ok:
            return
        refused = failure(answer.status, answer.body, f"PUT {self._path}")
        if isinstance(refused, IndexExists) or "exists as alias" in str(refused):
            raise IndexExists(f"{self._address} is an index already: drop it or choose another")
        raise SchemaRejected(f"{self._address} cannot be created: {reason_of(answer.body)}")

    def describe(self) -> Schema:
        return self.describe_fully().schema

    def describe_fully(self) -> Described:
        """With the mapping and what it says of latent fields; asks the server."""
        answer = self.cluster.request("GET", f"{self._path}/_mapping")
        if len(answer.body) != 1:
            raise EngineError(
                f"{self._address} stands for {len(answer.body)} indexes: name one of them"
            )
        (found,) = answer.body.values()
        described = describe(found["mappings"], self.index)
        self._known = (time.monotonic(), described)
        return described

    def drop(self) -> None:
        if self.describe_fully().meta.schema is None:
            raise EngineError(
                f"{self._address} was not created by latent-terms, so it is not dropped either: "
                f"DELETE {self._path} does it"
            )
        self.cluster.request("DELETE", self._path)
        self._known = None

    def faults(self, document: Document) -> tuple[Rejection, ...]:
        return prepare_for_server(self._described().schema, document).rejections

    def add(self, documents: Iterable[Document], *, fingerprint: str | None = None) -> int:
        described = self.describe_fully()
        field = described.meta.active_field
        if fingerprint is not None:
            # while one model takes over from another, writers of either go on
            field = described.meta.field_of(fingerprint)
            if field is None:
                check_fingerprint(described.schema, fingerprint)
        prepare = functools.partial(prepare_for_server, described.schema)
        bulk = Bulk(self.cluster.bulk)
        added = 0
        for batch in batches(map(prepare, documents)):
            if errors := [error for item in batch for error in item.rejections]:
                raise DocumentsRejected(errors, added=added)
            last = {item.document.id: item for item in batch}
            actions = (index_action(self.index, item, field) for item in last.values())
            if refused := list(_refusals(bulk.run(actions))):
                stored = added + len(last) - len(refused)
                raise DocumentsRejected(refused, added=stored, partial=True)
            added += len(batch)
        return added

    def get(self, ids: Iterable[str], *, with_terms_only: bool = False) -> dict[str, Source]:
        field = self._described().schema.terms_field
        found: dict[str, Source] = {}
        for some in id_groups(ids, _IDS_AT_ONCE):
            for document in self._documents(some):
                if document.get("found") and not (
                    with_terms_only and field not in document.get("_source", {})
                ):
                    found[document["_id"]] = own_source(document.get("_source"))
        return found

    def delete(self, ids: Iterable[str]) -> int:
        self.describe_fully()  # a bulk request would create the index
        bulk, deleted = Bulk(self.cluster.bulk), 0
        for some in id_groups(ids, _IDS_AT_ONCE):
            for outcome in bulk.run(delete_action(self.index, id) for id in some):
                deleted += outcome.done
                if not outcome.done and outcome.status != 404:
                    raise EngineError(
                        f"document {outcome.action.id!r} cannot be deleted: {outcome.reason}"
                    )
        return deleted

    def refresh(self) -> None:
        self._post("_refresh")

    def search(self, request: SearchRequest) -> SearchResult:
        described = self._described()
        if request.terms is not None and not described.meta.field_of(request.fingerprint):
            described = self.describe_fully()  # the model may be new to the index
        field = described.meta.field_of(request.fingerprint)
        check_request(_schema_for(described, field), request)
        parts = parts_of(described, request, field.name if field else None)
        if matches_nothing(request, parts) and request.body is None:
            return SearchResult(hits=(), total=0)
        body = search_body(self._dialect, described, request, parts)
        where = "/_search" if "pit" in body else f"{self._path}/_search"
        params = {"include_named_queries_score": True, "allow_partial_search_results": False}
        answer = self.cluster.request("POST", where, params=params, body=body, accept=(400, 500))
        if not answer.ok:
            raise self._refused(answer, request)
        return read_result(answer.body, request, parts)

    def count(self) -> int:
        return self._count({"match_all": {}})

    def statistics(self) -> Statistics:
        schema = self.describe()
        field = schema.terms_field
        store = self.cluster.request("GET", f"{self._path}/_stats/store").body
        return Statistics(
            documents=self.count(),
            documents_with_terms=self._count(with_field(field)) if field else 0,
            bytes_on_disk=store["_all"]["primaries"]["store"]["size_in_bytes"],
            schema=schema,
        )

    def close(self) -> None:
        self.cluster.close()

    @property
    def _dialect(self) -> Dialect:
        return Dialect.of(self.cluster.server)

    @property
    def _address(self) -> str:
        return str(self.cluster.address)

    def _described(self) -> Described:
        if self._known is None or time.monotonic() - self._known[0] > _MAPPING_SECONDS:
            return self.describe_fully()
        return self._known[1]

    def _post(self, action: str, body: Any = None) -> Answer:
        return self.cluster.request("POST", f"{self._path}/{action}", body=body)

    def _count(self, query: dict[str, Any]) -> int:
        return int(self._post("_count", {"query": query}).body["count"])

    def _documents(self, ids: list[str]) -> Iterator[dict[str, Any]]:
        if not ids:
            return
        for document in self._post("_mget", {"ids": ids}).body["docs"]:
            if "error" in document:
                raise failure(404, document, f"POST {self._path}/_mget")
            yield document

    def _refused(self, answer: Answer, request: SearchRequest) -> EngineError:
        limit = _CLAUSE_LIMIT.search(json.dumps(answer.body))
        if limit is not None:
            return QueryRejected(
                f"the query has {len(request.terms or ())} latent terms, and "
                f"{len((request.text or '').split())} words for each of "
                f"{len(request.fields) or len(self._described().schema.text)} text fields, and the "
                f"server allows {limit[1]} clauses: shorten the query or name fewer fields, or, on "
                "OpenSearch, raise the setting indices.query.bool.max_clause_count"
            )
        error = failure(answer.status, answer.body, f"POST {self._path}/_search")
        if type(error) is EngineError:
            return QueryRejected(f"{self._address} refuses the query: {reason_of(answer.body)}")
        return error


def _refusals(outcomes: Iterable[Outcome[Prepared]]) -> Iterator[Rejection]:
    for outcome in outcomes:
        if not outcome.done:
            reason = f"the server refuses it: {outcome.reason}"
            yield Rejection(outcome.action.id, "source", reason)


def _schema_for(described: Described, field: LatentField | None) -> Schema:
    """What a request is checked against whose terms are in this field."""
    model = field or described.meta.active_field
    if model is None:
        return described.wide
    return replace(described.wide, fingerprint=model.fingerprint, model=model.model)
