"""The command itself: help, exit codes, interruption, and pipes that close."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters import connect
from adapters.errors import EngineError
from latent_terms.commands.main import VERBS

from .conftest import Run, write_lines

ROOT = Path(__file__).resolve().parents[2]
# A test run that was started in the background passes on that SIGINT is to be ignored.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from latent_terms.commands.main import main
main()
"""
COMMAND = (sys.executable, "-c", PROGRAM)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


def start(*arguments: object, **pipes: int) -> subprocess.Popen[bytes]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, **pipes)


VOCABULARY = [("vocabulary", name) for name in ("list", "search", "plot")]
STEPS = ("start", "status", "compare", "switch", "rollback", "drop")
WITHOUT_JSON = {("vocabulary",), ("migrate",), ("pipeline",), ("serve",)}
BELOW = [*VOCABULARY, *(("migrate", name) for name in STEPS)]


@pytest.mark.parametrize("command", [*((verb,) for verb in VERBS), *BELOW], ids=" ".join)
def test_every_command_explains_itself_with_examples(command: tuple[str, ...], run: Run) -> None:
    shown = run(*command, "--help").stdout
    assert shown == run(*command, "-h").stdout
    assert f"Usage: main {' '.join(command)}" in shown
    assert f"latent-terms {' '.join(command)}" in shown.split("Examples:")[1]
    assert "--json" in shown or command in WITHOUT_JSON


def test_help_lists_every_verb_with_a_sentence(run: Run) -> None:
    shown = run("--help").stdout
    listed = [line.split(maxsplit=1) for line in shown.split("Commands:")[1].strip().splitlines()]
    assert [line[0] for line in listed] == list(VERBS)
    assert all(len(line[1].split()) >= 3 for line in listed)


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("search",), ("search", "p", "q", "--mode", "x"), ("index", "no-such-file")],
)
def test_wrong_use_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert "Usage:" in run(*arguments, code=2).stderr


def test_a_missing_model_ends_with_1_and_names_the_choices(run: Run) -> None:
    result = run("encode", "--model", "no-such-model", input="x", code=1)
    assert result.stderr.startswith("Error: ")
    assert "no-such-model" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_ends_with_1(tmp_path: Path, run: Run) -> None:
    rejected = tmp_path / "no-such-folder" / "rejected.jsonl"
    options = ("--into", tmp_path / "index", "--no-latent", "--rejected", rejected)
    result = run("index", "-", *options, input="not JSON", code=1)
    assert result.stderr == f"Error: {rejected}: No such file or directory.\n"


def test_progress_and_messages_never_reach_stdout(
    notes: Path, tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("index", notes, "--into", tmp_path / "index", "--model", tiny_model, "--json")
    process = start(*arguments, stdout=subprocess.PIPE)
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert json.loads(output)["indexed"] == 4


def test_a_pipe_that_closes_ends_the_command_without_a_word(tiny_model: Path) -> None:
    process = start("vocabulary", "list", "--model", tiny_model, "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as errors:
        assert errors.read() == b""
    assert process.wait() == 141


def documents(n: int) -> list[dict[str, str]]:
    words = ["cat", "cats", "dog", "mat", "wing", "lift", "drag", "flow"]
    return [
        {"_id": str(i), "text": f"the {words[i % 8]} sat on {words[i // 8 % 8]} x"}
        for i in range(n)
    ]


def committed(path: Path) -> int:
    try:
        with connect(path) as engine:
            return engine.count()
    except EngineError:
        return 0


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)]
)
def test_an_interrupted_index_goes_on_without_losing_or_doubling_documents(
    tmp_path: Path, tiny_model: Path, run: Run, sent: signal.Signals, code: int
) -> None:
    everything = documents(5000)
    source, into = write_lines(tmp_path / "all.jsonl", everything), tmp_path / "index"
    process = start("index", "-", "--into", into, "--model", tiny_model, stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    with process.stdin as pipe:
        pipe.writelines(source.read_bytes().splitlines(keepends=True)[:3500])
        pipe.flush()
        deadline = time.monotonic() + 60
        while committed(into) < 1000 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(sent)
        assert process.wait(60) == code
    with process.stderr as errors:
        said = errors.read().decode()
    assert "Traceback" not in said
    assert ("run the same command again" in said) == (sent == signal.SIGINT)
    survived = committed(into)
    assert 1000 <= survived <= 3500

    report = json.loads(run("index", source, "--into", into, "--json").stdout)

    assert report["skipped"] == survived
    assert report["indexed"] == len(everything) - survived
    with connect(into) as engine:
        assert engine.count() == engine.statistics().documents_with_terms == len(everything)
        stored = engine.get(document["_id"] for document in everything)
        assert stored == {d["_id"]: {"text": d["text"]} for d in everything}
    found = json.loads(run("search", into, "x", "--mode", "lexical", "--json").stdout)
    assert found["total"] == len(everything)
