"""Documents that get their latent terms: the text of each, and the update that adds the terms."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..bulk.chunks import Action
from ..dialect.dialect import spell
from ..document_text import DocumentText, document_text
from ..server.stored import StoredDocument
from ..term_encoder import TermEncoder
from .target import Target

_HASH_BYTES = 12


@dataclass(frozen=True)
class Encodable:
    document: StoredDocument
    text: DocumentText
    hash: str

    @classmethod
    def of(cls, target: Target, document: StoredDocument) -> Encodable:
        text = document_text(target.field.text_fields, document.source)
        return cls(document, text, text_hash(text.text))


def text_hash(text: str) -> str:
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES
    ).hexdigest()


def updates(
    target: Target, encoder: TermEncoder, documents: Iterable[Encodable]
) -> Iterator[Action[Encodable]]:
    """A document without text gets a field that is empty, and so counts as encoded."""
    waiting: deque[Encodable] = deque()

    def texts() -> Iterator[str]:
        for document in documents:
            waiting.append(document)
            yield document.text.text

    for terms in encoder.encode_documents(texts()):
        yield _update(target, waiting.popleft(), terms)


def _update(target: Target, item: Encodable, terms: Mapping[str, int]) -> Action[Encodable]:
    """Of the version that was read: the server refuses it where somebody changed the document."""
    fields = {
        target.field.name: spell(terms, target.field.spelling),
        target.hash_field: item.hash,
    }
    lines = ({"update": item.document.address | item.document.version}, {"doc": fields})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return Action(item.document.id, text.encode(), item)
