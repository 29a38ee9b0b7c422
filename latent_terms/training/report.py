"""What came out of a training run: ``report.json``, and a page with plots."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from latent_terms.training.statistics import LatentStatistics
from latent_terms.vocabulary import FAMILIES
from latent_terms.zipf import Curve, page

HEAD = 20  # of the document-frequency curve
EXAMPLES = 8


def build_report(
    statistics: LatentStatistics,
    *,
    losses: Mapping[str, float],
    terms_per_query: float,
    config: Mapping[str, Any],
    float_products: Sequence[str],
) -> dict[str, Any]:
    """The report as JSON; ``losses`` are the last running means of the two stages."""
    live = int((statistics.document_frequency > 0).sum())
    fit = Curve.of(statistics.collection_frequency.tolist()).fit()
    df: list[int] = statistics.document_frequency.tolist()
    head = sorted(range(len(df)), key=lambda latent: -df[latent])[:HEAD]
    return {
        **losses,
        "passages": statistics.passages,
        "live_latents": live,
        "latents": len(statistics.labels),
        "terms_per_passage": round(statistics.terms_per_passage, 1),
        "terms_per_query": round(terms_per_query, 1),
        "zipf": {"exponent": round(fit.exponent, 3), "r2": round(fit.r2, 3)},
        "most_common": [
            {
                "latent": latent,
                "share": round(df[latent] / statistics.passages, 4),
                "label": list(statistics.labels[latent]),
            }
            for latent in head
        ],
        "families": _families(statistics, live),
        "float_products": list(float_products),
        "config": dict(config),
    }


def _families(statistics: LatentStatistics, live: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for family in FAMILIES:
        members = [i for i, f in enumerate(statistics.families) if f == family]
        base = len(statistics.families) if family == "dead" else max(1, live)
        # Examples from the middle of the frequency range: neither stop words nor noise.
        middle = sorted(members, key=lambda i: -int(statistics.document_frequency[i]))
        middle = middle[len(middle) // 3 :][:EXAMPLES] if family != "dead" else []
        found[family] = {
            "share": round(len(members) / base, 3),
            "examples": [list(statistics.labels[i]) for i in middle],
        }
    return found


def write_report(folder: Path, report: dict[str, Any], statistics: LatentStatistics) -> None:
    """Write ``report.json`` and ``report.html``, which shows the same and the Zipf plot."""
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    curve = Curve.of(statistics.document_frequency.tolist())
    plot = page(curve, title="Training report", facts=_facts(report))
    (folder / "report.html").write_text(
        plot.replace("</html>", _tables(report) + "</html>"), encoding="utf-8"
    )


def _facts(report: Mapping[str, Any]) -> list[str]:
    zipf = report["zipf"]
    return [
        *(f"{name.replace('_', ' ')}: {report[name]}" for name in report if "nmse" in name),
        f"{report['live_latents']:,} of {report['latents']:,} latents are live",
        f"{report['terms_per_passage']} unique terms per passage, "
        f"{report['terms_per_query']} per query",
        f"Zipf exponent {zipf['exponent']}, R² {zipf['r2']} (collection frequency)",
    ]


def _tables(report: Mapping[str, Any]) -> str:
    families = [
        (name, f"{100 * row['share']:.0f} %", "; ".join(", ".join(x) for x in row["examples"]))
        for name, row in report["families"].items()
    ]
    common = [
        (str(row["latent"]), f"{100 * row['share']:.1f} %", ", ".join(row["label"]))
        for row in report["most_common"]
    ]
    return (
        "<h2>Families</h2>\n"
        + _table(("Family", "Share", "Examples"), families)
        + "<h2>The most common latents</h2>\n"
        + _table(("Latent", "Passages", "Strongest words"), common)
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    head = "".join(f"<th align=left>{html.escape(name)}</th>" for name in columns)
    return (
        f"<table><tr>{head}</tr>\n" + "".join(f"<tr>{row}</tr>\n" for row in cells) + "</table>\n"
    )
