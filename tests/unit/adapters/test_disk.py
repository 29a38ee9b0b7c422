from __future__ import annotations

import pytest

from adapters.doctor.disk import free_bytes_needed

GB = 2**30
PREFIX = "cluster.routing.allocation.disk"
PERCENT = {f"{PREFIX}.threshold_enabled": "true", f"{PREFIX}.watermark.high": "90%"}


@pytest.mark.parametrize(
    ("settings", "total", "needed"),
    [
        (PERCENT, 100 * GB, 10 * GB),
        ({f"{PREFIX}.watermark.high": "0.9"}, 100 * GB, 10 * GB),
        (PERCENT | {f"{PREFIX}.watermark.high.max_headroom": "150GB"}, 100 * GB, 10 * GB),
        (PERCENT | {f"{PREFIX}.watermark.high.max_headroom": "150GB"}, 9000 * GB, 150 * GB),
        (PERCENT | {f"{PREFIX}.watermark.high.max_headroom": "-1"}, 9000 * GB, 900 * GB),
        ({f"{PREFIX}.watermark.high": "500mb"}, 100 * GB, 500 * 2**20),
        (PERCENT | {f"{PREFIX}.threshold_enabled": "false"}, 100 * GB, 0),
    ],
)
def test_the_free_space_a_disk_needs(settings: dict[str, str], total: int, needed: int) -> None:
    assert free_bytes_needed(settings, "high", total) == pytest.approx(needed)
