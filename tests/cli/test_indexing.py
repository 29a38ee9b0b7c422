"""What `index` and `demo` show while documents are on their way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from adapters import Schema, connect
from adapters.dead_letters import DeadLetters
from latent_terms import load
from latent_terms.commands.indexing import Indexing, Plan
from latent_terms.commands.readers import Record, Rejected


def test_progress_is_what_is_committed_and_ends_with_everything(
    tmp_path: Path, tiny_model: Path
) -> None:
    encoder = load(tiny_model)
    schema = Schema(text=("text",), fingerprint=encoder.fingerprint)
    shown: list[tuple[float, str]] = []
    with connect(tmp_path / "index") as engine, DeadLetters(tmp_path / "bad") as bad:
        run = Indexing(engine, Plan(schema, encoder), bad)

        def found() -> Iterator[Record | Rejected]:
            for i in range(2500):
                run.read_so_far(10 * i)
                yield Rejected("x", "bad", None) if i == 7 else Record(str(i), {"text": "cat"}, "x")

        report = run.over(found(), update=lambda completed, note: shown.append((completed, note)))

    assert (report.indexed, report.rejected) == (2499, 1)
    completed = [at for at, _ in shown]
    assert completed == sorted(completed)
    assert completed[-1] == 24_990
    assert shown[-1][1].startswith("2,499 indexed, ")
    assert len(set(completed)) >= 3
