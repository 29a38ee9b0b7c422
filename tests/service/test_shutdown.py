"""Stopping leaves nobody unanswered: in this process with a held model, and a real process."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from rerank_service.command import command

from ..unit.latent_terms.model_folder import build
from .serving import running, wait_until, watched_encoder

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "python -m rerank_service": ["-m", "rerank_service"],
    "latent-terms serve": [
        "-c",
        "from latent_terms.commands.main import main; main(prog_name='latent-terms')",
        "serve",
    ],
}


def test_a_request_in_flight_is_answered_before_the_service_stops() -> None:
    encoder, backbone = watched_encoder()
    answers: list[httpx.Response] = []
    with running(encoder, threads=1, shutdown_seconds=20) as service:
        backbone.open.clear()
        asking = threading.Thread(
            target=lambda: answers.append(service.post("/v1/encode", {"input": ["a", "b c d"]}))
        )
        asking.start()
        wait_until(lambda: service.service.encoding.batcher._free == 0)
        service.server.should_exit = True
        wait_until(lambda: not service.service.ready)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{service.url}/health/live")
        backbone.open.set()
        asking.join(30)
    assert answers[0].status_code == 200 and len(answers[0].json()["data"]) == 2


def test_a_request_that_takes_too_long_gets_503_when_the_service_stops() -> None:
    encoder, backbone = watched_encoder()
    answers: list[httpx.Response] = []
    with running(encoder, threads=1, shutdown_seconds=0) as service:
        backbone.open.clear()
        asking = [
            threading.Thread(
                target=lambda: answers.append(service.post("/v1/encode", {"input": ["a", "b"]}))
            )
            for _ in range(3)
        ]
        for thread in asking:
            thread.start()
        wait_until(lambda: service.metric("requests_in_flight") == 3)
        service.server.should_exit = True
        for thread in asking:
            thread.join(30)
        backbone.open.set()
    assert len(answers) == 3
    for answer in answers:
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
        assert answer.json()["error_type"] == "Unhealthy"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    build(folder)
    return folder


@contextmanager
def process(arguments: list[str], **settings: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The service as a process of its own, and its address."""
    variables = {f"LATENT_TERMS_{name.upper()}": str(each) for name, each in settings.items()}
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | variables
    started = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    try:
        lines: list[str] = []
        for line in started.stderr:
            lines.append(line)
            if match := re.search(r"listening at (https?://\S+)", line):
                yield started, match[1]
                break
        else:
            pytest.fail("".join(lines))
    finally:
        started.kill()
        started.communicate(timeout=10)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_process_serves_until_sigterm_and_ends_with_0(name: str, model: Path) -> None:
    settings = {"model": model, "port": 0, "store": "none", "threads": 1}
    with process(COMMANDS[name], **settings) as (started, url), httpx.Client() as client:
        assert client.get(f"{url}/health/ready").status_code == 200
        answers: list[int] = []

        def ask() -> None:
            body = {"input": ["the cat sat on the mat"] * 900}
            for _ in range(3):
                answers.append(httpx.post(f"{url}/v1/encode", json=body, timeout=30).status_code)
                if len(answers) == 1:
                    started.send_signal(signal.SIGTERM)

        asking = threading.Thread(target=_until_refused, args=(ask,))
        asking.start()
        asking.join(30)
        assert started.wait(30) == 0
        assert answers and set(answers) <= {200, 503}


def _until_refused(ask: Any) -> None:
    try:
        ask()
    except httpx.ConnectError:
        return


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "many"}, "LATENT_TERMS_PORT or --port is 'many'"),
        ({"model": "no-such-model"}, "there is no model 'no-such-model'"),
        ({"store": "/dev/null"}, "the vector store /dev/null cannot be opened"),
        ({"tls_key": "x", "tls_certificate": "/no/such.pem"}, "/no/such.pem"),
    ],
)
def test_a_service_that_cannot_start_says_why_and_ends_with_1(
    settings: dict[str, str], words: str, model: Path
) -> None:
    refused = start_in_vain({"model": str(model), "port": "0", "store": "none"} | settings)
    assert words in refused


def test_a_port_that_is_taken_is_said(model: Path) -> None:
    with running() as service:
        port = service.url.rpartition(":")[2]
        refused = start_in_vain({"model": str(model), "store": "none", "port": port})
    assert f"cannot listen at 127.0.0.1:{port}" in refused


def start_in_vain(settings: dict[str, str]) -> str:
    variables = {f"LATENT_TERMS_{name.upper()}": each for name, each in settings.items()}
    ended = CliRunner().invoke(command, env=variables)
    assert ended.exit_code == 1 and ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def test_tls_is_spoken_where_a_certificate_is_given(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    with running(tls_certificate=str(certificate), tls_key=str(key)) as service:
        url = service.url
        trusted = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{url}/health/live", verify=trusted).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/health/live")
