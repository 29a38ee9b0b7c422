"""docs/scale.md shows what benchmarks/scale.py makes of the figures that are kept beside it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "benchmarks/results/engines.json"


def test_the_page_on_scale_shows_the_figures_that_were_measured() -> None:
    script = [sys.executable, str(ROOT / "benchmarks/scale.py"), str(FIGURES)]
    tables = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert "200,000" in tables
    assert tables.strip() in (ROOT / "docs/scale.md").read_text(encoding="utf-8")
