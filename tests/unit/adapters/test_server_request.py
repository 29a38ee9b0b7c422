from __future__ import annotations

import json

from adapters.server.request import ServerRequest


def test_a_request_reads_as_a_console_takes_it() -> None:
    request = ServerRequest("PUT", "/notes/_mapping", {"properties": {"título": {"type": "text"}}})
    line, _, body = str(request).partition("\n")
    assert line == "PUT /notes/_mapping"
    assert json.loads(body) == request.body
    assert "título" in body


def test_a_request_without_a_body_is_one_line() -> None:
    assert str(ServerRequest("POST", "/notes/_open")) == "POST /notes/_open"
