"""How many CPU cores this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Cores of the machine, or as many as the process is bound to or has the time of.

    A container on a large machine sees all cores and may use the time of a few: a thread for each
    core would then wait for the others.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, math.ceil(min(bound or 1, limit(_ROOT, _OWN))))


def limit(root: Path, own: Path) -> float:
    """Cores whose time a control group may use, infinite where it is not limited.

    ``root`` is where control groups are mounted; ``own`` tells which one the process is in.
    """
    files = [root / "cpu" / f"cpu.cfs_{name}_us" for name in ("quota", "period")]  # version 1
    for line in own.read_text(encoding="utf-8").splitlines() if own.is_file() else ():
        if line.startswith("0::") and (one := root / line[3:].lstrip("/") / "cpu.max").is_file():
            files = [one]  # version 2: both in one file
    if not all(file.is_file() for file in files):
        return math.inf
    quota, period = " ".join(file.read_text(encoding="ascii") for file in files).split()
    return int(quota) / int(period) if quota.isdigit() else math.inf
