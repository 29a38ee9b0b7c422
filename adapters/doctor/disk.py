"""When a server stops writing because a disk fills up."""

from __future__ import annotations

import re
from collections.abc import Mapping

_UNITS = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
_SIZE = re.compile(r"(-?\d+(?:\.\d+)?)([kmgtp]?b)", re.IGNORECASE)
_PREFIX = "cluster.routing.allocation.disk"


def free_bytes_needed(settings: Mapping[str, str], stage: str, total: int) -> int:
    """Bytes that must stay free on a disk of `total` bytes, below which a stage begins.

    `settings` are the cluster's, flat; `stage` is `low`, `high` (no new shards, shards move away)
    or `flood_stage` (indexes become read-only). 0 where the cluster does not watch its disks.
    """
    if settings.get(f"{_PREFIX}.threshold_enabled") == "false":
        return 0
    mark = settings.get(f"{_PREFIX}.watermark.{stage}", "100%")
    if size := _bytes(mark):
        return size
    needed = round(total * (1 - _share(mark)))
    headroom = _bytes(settings.get(f"{_PREFIX}.watermark.{stage}.max_headroom", ""))
    return min(needed, headroom) if headroom else needed


def _share(mark: str) -> float:
    """Of the disk that may be used: `85%` or `0.85`."""
    return float(mark[:-1]) / 100 if mark.endswith("%") else float(mark)


def _bytes(size: str) -> int:
    """0 for what is no size, and for -1, which means none."""
    match = _SIZE.fullmatch(size)
    return max(0, round(float(match[1]) * _UNITS[match[2].lower()])) if match else 0
