"""5,000 malformed bodies: each is answered, none with 5xx, and the service is well afterwards."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

from .serving import Running

COUNT = 5000
BODIES: dict[str, list[Any]] = {
    "/v1/encode": [
        {"input": ["how wings make lift", None], "input_type": "document", "format": "terms"},
        {"input": "lift", "input_type": "query", "vectors": True},
    ],
    "/v1/embeddings": [{"input": ["cat", "dog"], "encoding_format": "base64", "dimensions": 32}],
    "/rerank": [{"query": "q", "texts": ["a", "b"], "return_text": True, "truncate": False}],
    "/v1/rerank": [
        {"query": "q", "documents": ["a", {"text": "b", "n": 1}], "rank_fields": ["text", "n"]},
        {
            "query": "q",
            "documents": ["a"],
            "vectors": [{"dtype": "float16", "shape": [0, 32], "data": ""}],
            "metadata": [{"date": "2024-01-01"}],
        },
    ],
    "/v2/rerank": [{"query": "q", "documents": ["a", "b"], "top_n": 1, "on_error": "fail"}],
    "/v1/reranking": [{"query": "q", "input": ["a", "b"], "top_k": 1, "return_input": True}],
}
ODD: list[Any] = [
    *(None, True, -1, 0, 2**63, 10**400, 1e308, 0.5, "", "x" * 5000, "\0", "\U0001f600", [], {}),
    *([[]], {"": {}}, ["a", 1], {"text": None}, [None] * 2000, {"a": {"b": {"c": {"d": []}}}}),
]
PIECES = [
    b"",
    b"\xff",
    b"\x00",
    b'"',
    b"}",
    b"[",
    b"\\u12",
    b"NaN",
    b"1e999",
    b"\xed\xa0\x80",
    b",",
]


def change_bytes(chance: random.Random, body: Any) -> bytes:
    """Cut, repeat or replace somewhere."""
    whole = json.dumps(body).encode()
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(whole) + 1)
        stop = min(start + chance.randrange(6), len(whole))
        piece = chance.choice([*PIECES, whole[start:stop] * 3, bytes([chance.randrange(256)])])
        whole = whole[:start] + piece + whole[stop:]
    return whole


def change_values(chance: random.Random, body: Any) -> bytes:
    """Put something odd at a random place, add fields, drop others."""
    changed = json.loads(json.dumps(body))
    place, key = changed, chance.choice(list(changed))
    while isinstance(place[key], dict | list) and place[key] and chance.random() < 0.6:
        place = place[key]
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
    place[key] = chance.choice(ODD)
    if chance.random() < 0.3:
        changed[chance.choice(["input", "texts", "top_n", "timeout", "now", "\n"])] = chance.choice(
            ODD
        )
    if chance.random() < 0.2:
        del changed[chance.choice(list(changed))]
    return json.dumps(changed).encode()


def nest(chance: random.Random, body: Any) -> bytes:
    depth = chance.choice([3, 15, 16, 17, 300, 100_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    inside = opening * depth + b"1" + closing * chance.choice([depth, depth - 1, 0])
    return chance.choice([inside, b'{"input":' + inside + b"}"])


CHANGES: list[Callable[[random.Random, Any], bytes]] = [
    *[change_bytes] * 8,
    *[change_values] * 8,
    nest,
]


def send(url: str, requests: list[tuple[str, bytes]]) -> Counter[int]:
    """Over one connection, which has to live through it all."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=90)
    statuses: Counter[int] = Counter()
    with closing(connection):
        for path, body in requests:
            connection.request("POST", path, body)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 500, (path, body[:500], text)
            assert answer.status == 200 or json.loads(text)["error"]
            statuses[answer.status] += 1
    return statuses


def test_malformed_bodies_are_answered_and_do_no_harm(service: Running) -> None:
    chance = random.Random(5)
    requests = [
        (path, chance.choice(CHANGES)(chance, chance.choice(BODIES[path])))
        for path in chance.choices(list(BODIES), k=COUNT)
    ]

    with ThreadPoolExecutor(2) as pool:
        counts = pool.map(lambda part: send(service.url, part), (requests[::2], requests[1::2]))
    statuses = sum(counts, Counter())
    assert sum(statuses.values()) == COUNT
    assert set(statuses) <= {200, 400, 413, 422}
    assert min(statuses[200], statuses[400], statuses[422]) > COUNT // 20, statuses
    assert service.metric("queue_tokens") == service.metric("body_bytes") == 0
    for path, bodies in BODIES.items():
        assert service.post(path, bodies[0]).status_code == 200
