"""The cores that a process may use, as control groups tell it."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from latent_terms.cores import limit, usable_cores


def test_there_is_a_core_and_not_more_than_the_process_is_bound_to() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, math.inf),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"system.slice/one.service/cpu.max": "50000 100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
)
def test_the_limit_of_a_container_is_read(
    tmp_path: Path, files: dict[str, str], cores: float
) -> None:
    write(tmp_path, files | {"own": "0::/\n"})
    assert limit(tmp_path, tmp_path / "own") == cores


def test_the_limit_of_a_unit_is_read(tmp_path: Path) -> None:
    path = "system.slice/one.service"
    write(tmp_path, {"own": f"1:cpu:/x\n0::/{path}\n", f"{path}/cpu.max": "200000 100000\n"})
    assert limit(tmp_path, tmp_path / "own") == 2


def test_a_system_without_control_groups_has_no_limit(tmp_path: Path) -> None:
    assert limit(tmp_path / "none", tmp_path / "neither") == math.inf


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="ascii")
