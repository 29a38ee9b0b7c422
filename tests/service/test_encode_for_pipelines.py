"""What /v1/encode has for clusters that call it."""

from __future__ import annotations

from .serving import Running


def test_another_model_than_the_wanted_one_is_refused(service: Running) -> None:
    fingerprint = service.service.encoder.fingerprint
    assert service.post("/v1/encode", {"input": "a", "fingerprint": fingerprint}).is_success
    refused = service.post("/v1/encode", {"input": "a", "fingerprint": "3f9a1c0b77de"})
    assert refused.status_code == 422
    assert "3f9a1c0b77de" in refused.json()["error"] and fingerprint in refused.json()["error"]


def test_the_text_itself_is_in_the_answer_when_asked_for(service: Running) -> None:
    body = {"input": ["a wing", None], "input_type": "query"}
    echoed = service.post("/v1/encode", body | {"echo": True}).json()["data"]
    assert [item["text"] for item in echoed] == ["a wing", ""]
    assert "text" not in service.post("/v1/encode", body).json()["data"][0]


def test_a_list_in_the_list_is_one_text_of_several_values(service: Running) -> None:
    body = {"input": [["a wing", None, ["has", "lift"]], "a cat", []], "echo": True}
    echoed = service.post("/v1/encode", body).json()["data"]
    assert [item["text"] for item in echoed] == ["a wing\nhas\nlift", "a cat", ""]
    assert service.post("/v1/encode", {"input": [["a wing", 3]]}).status_code == 422
