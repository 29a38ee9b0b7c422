"""Zipf's law over the latents: document frequency falls with rank as a power."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

POINTS_IN_A_PAGE = 400
PAGE_SIZE = (720, 420)
MARGIN = 56


@dataclass(frozen=True)
class ZipfFit:
    """log10 df = intercept - exponent * log10 rank, by least squares over every live latent."""

    exponent: float
    intercept: float
    r2: float

    def at(self, rank: float) -> float:
        return float(10 ** (self.intercept - self.exponent * math.log10(rank)))


@dataclass(frozen=True)
class Curve:
    """Document frequencies of the live latents, highest first; rank 1 is position 0."""

    frequencies: tuple[int, ...]

    @classmethod
    def of(cls, frequencies: Sequence[int]) -> Curve:
        return cls(tuple(sorted((df for df in frequencies if df > 0), reverse=True)))

    def fit(self) -> ZipfFit:
        """At least three live latents."""
        ranks = np.log10(np.arange(1, len(self.frequencies) + 1))
        values = np.log10(np.array(self.frequencies, dtype=float))
        slope, intercept = np.polyfit(ranks, values, 1)
        residual = values - (slope * ranks + intercept)
        spread = float(((values - values.mean()) ** 2).sum())
        r2 = 1 - float((residual**2).sum()) / spread if spread else 1.0
        return ZipfFit(exponent=-float(slope), intercept=float(intercept), r2=r2)

    def points(self, n: int) -> Iterator[tuple[int, int]]:
        """About n (rank, df) pairs, evenly spaced on a logarithmic axis."""
        last = len(self.frequencies)
        steps = (round(last ** (i / max(n - 1, 1))) for i in range(n))
        yield from ((rank, self.frequencies[rank - 1]) for rank in dict.fromkeys(steps))


def draw(curve: Curve, *, width: int = 64, height: int = 18) -> list[str]:
    """The curve for a terminal: rank to the right, df upwards, both logarithmic."""
    top = math.log10(curve.frequencies[0]) or 1.0
    right = math.log10(len(curve.frequencies)) or 1.0
    cells = [[" "] * width for _ in range(height)]
    fit = curve.fit()

    def put(rank: float, df: float, mark: str) -> None:
        x = round((width - 1) * math.log10(rank) / right)
        y = round((height - 1) * math.log10(max(df, 1)) / top)
        if 0 <= y < height:
            cells[height - 1 - y][x] = mark

    for i in range(width):
        rank = 10 ** (right * i / (width - 1))
        put(rank, fit.at(rank), "·")
    for rank, df in curve.points(4 * width):
        put(rank, df, "●")
    labels = {0: f"{curve.frequencies[0]:,}", height - 1: "1"}
    margin = max(len(label) for label in labels.values())
    rows = [f"{labels.get(i, ''):>{margin}} │{''.join(row)}" for i, row in enumerate(cells)]
    axis = f"{'':>{margin}} └{'─' * width}"
    last = f"{len(curve.frequencies):,}"
    return [*rows, axis, f"{'':>{margin}}  rank 1{last:>{width - 6}}"]


def page(curve: Curve, *, title: str, facts: Sequence[str]) -> str:
    """One HTML file that needs nothing else: the curve as SVG, the facts below it."""
    width, height = PAGE_SIZE
    top = math.log10(curve.frequencies[0]) or 1.0
    right = math.log10(len(curve.frequencies)) or 1.0
    fit = curve.fit()

    def place(rank: float, df: float) -> str:
        x = MARGIN + (width - 2 * MARGIN) * math.log10(rank) / right
        y = height - MARGIN - (height - 2 * MARGIN) * math.log10(max(df, 1)) / top
        return f"{x:.1f},{y:.1f}"

    measured = " ".join(place(*point) for point in curve.points(POINTS_IN_A_PAGE))
    ends = [place(rank, fit.at(rank)) for rank in (1, len(curve.frequencies))]
    return PAGE.format(
        title=html.escape(title),
        facts="\n".join(f"<li>{html.escape(fact)}</li>" for fact in facts),
        width=width,
        height=height,
        bottom=height - MARGIN,
        left=MARGIN,
        end=width - MARGIN,
        middle=width // 2,
        below=height - 16,
        highest=f"{curve.frequencies[0]:,}",
        last=f"{len(curve.frequencies):,}",
        measured=measured,
        fitted=" ".join(ends),
    )


PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
  body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto }}
  svg {{ width: 100%; height: auto }}
  text {{ font-size: 13px; fill: #555 }}
</style>
<h1>{title}</h1>
<svg viewBox="0 0 {width} {height}" role="img" aria-label="document frequency by rank, log-log">
  <path d="M{left},{left} V{bottom} H{end}" fill="none" stroke="#999"/>
  <polyline points="{fitted}" fill="none" stroke="#c60" stroke-dasharray="6 5"/>
  <polyline points="{measured}" fill="none" stroke="#06c" stroke-width="2.5"/>
  <text x="{left}" y="{left}" dy="-10">document frequency (highest {highest})</text>
  <text x="{middle}" y="{below}" text-anchor="middle">rank, 1 to {last} (both axes log)</text>
</svg>
<ul>
{facts}
</ul>
</html>
"""
