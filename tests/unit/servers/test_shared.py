"""Servers that stay: found again by another process, and never taken for somebody else's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ...servers.processes import group_lives
from ...servers.shared import read_shared, stop_shared


def remember(folder: Path, group: int) -> None:
    folder.mkdir(exist_ok=True)
    state = {"title": "OpenSearch 3.6.0", "url": "http://127.0.0.1:9200", "group": group}
    (folder / "server.json").write_text(json.dumps(state), encoding="utf-8")


def test_nothing_was_started_there(tmp_path: Path) -> None:
    assert read_shared(tmp_path) is None


def test_a_number_that_another_program_has_by_now_is_no_server(tmp_path: Path) -> None:
    remember(tmp_path, os.getpid())
    assert read_shared(tmp_path / "n") is None
    assert read_shared(tmp_path) is None


def test_a_running_server_is_found_and_stopped_and_its_folder_goes(tmp_path: Path) -> None:
    folder = tmp_path / "opensearch-3.6.0"
    command = ["bash", "-c", "echo; sleep 600; exit", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout:
        process.stdout.readline()
    remember(folder, process.pid)
    found = read_shared(folder)
    assert found is not None
    assert (found.title, found.url) == ("OpenSearch 3.6.0", "http://127.0.0.1:9200")
    stop_shared(found)
    process.wait()
    assert not group_lives(process.pid)
    assert not folder.exists()
