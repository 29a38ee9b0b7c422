"""Ending a server ends every process of it."""

from __future__ import annotations

import signal
import socket
import subprocess

import pytest

from ...servers import processes
from ...servers.processes import command_line, end_group, free_port, group_lives, port_is_taken

CHILD_AND_PARENT = "sleep 600 & echo started; wait"


def start_group(script: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["bash", "-c", script], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"started\n"
    return process


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_ending_a_group_ends_parent_and_child(sign: signal.Signals) -> None:
    process = start_group(CHILD_AND_PARENT)
    assert group_lives(process.pid)
    end_group(process.pid, sign)
    assert not group_lives(process.pid)
    assert process.wait() == -sign


def test_what_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    process = start_group("trap '' TERM; echo started; while :; do sleep 0.05; done")
    end_group(process.pid, signal.SIGTERM)
    assert process.wait() == -signal.SIGKILL


def test_a_group_that_is_gone_already_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    end_group(process.pid, signal.SIGTERM)
    assert command_line(process.pid) == ""


def test_the_command_line_of_a_process() -> None:
    process = start_group("echo started; sleep 600; exit")
    assert "sleep 600; exit" in command_line(process.pid)
    end_group(process.pid, signal.SIGKILL)
    process.wait()


def test_a_port_is_taken_while_somebody_listens() -> None:
    port = free_port()
    assert not port_is_taken(port)
    with socket.create_server(("127.0.0.1", port)):
        assert port_is_taken(port)
