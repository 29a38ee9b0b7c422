"""`latent-terms demo`: Python's own documentation, searched in three ways."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from latent_terms.commands.docstrings import docstrings, standard_library
from latent_terms.commands.models import load_model, model_option
from latent_terms.commands.output import json_option, print_json, print_table, progress, say
from latent_terms.commands.readers import Record

if TYPE_CHECKING:
    from adapters import Hit, Search

Mode = Literal["lexical", "latent", "combined"]

MODES: tuple[Mode, ...] = ("lexical", "latent", "combined")
HITS = 4
MOST_DOCUMENTS = 4_000
GIVEN = {"text": ("name", "text"), "keyword": ("kind",)}


class Question(NamedTuple):
    """`answer`: what the names of the right documents begin with."""

    text: str
    answer: str


# Chosen to show the difference, not to measure it: each is in other words than the documentation's,
# and words alone were seen to miss the answer.
QUESTIONS = (
    Question("make text safe to put on a web page", "html.escape"),
    Question("how long did my code take to run", "timeit"),
    Question("erase a whole directory tree", "shutil.rmtree"),
    Question("make every word start with a capital letter", "string.capwords"),
    Question("the position where a value belongs in an ordered list", "bisect"),
)


class Answered(NamedTuple):
    question: Question
    hits: dict[Mode, tuple[Hit, ...]]

    def found(self, mode: Mode) -> bool:
        return any(self.is_answer(hit) for hit in self.hits[mode])

    def is_answer(self, hit: Hit) -> bool:
        return bool(self.question.answer) and hit.id.startswith(self.question.answer)


@click.command(short_help="Search Python's own documentation in three ways.")
@click.argument("questions", nargs=-1, metavar="[QUESTION]...")
@click.option(
    "--into",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Folder of the index.  [default: in the user's cache folder]",
)
@model_option
@json_option
def command(questions: tuple[str, ...], into: Path | None, model: str, as_json: bool) -> None:
    """Index the documentation of Python's standard library and search it in three ways.

    Shows what the same questions find by words (lexical), by latent terms (latent), and by both
    in one request (combined). The index is kept, so the second time is quick.

    \b
    Examples:
      latent-terms demo
      latent-terms demo "guess what kind of file this is from its name"
    """
    from adapters import Search, connect

    encoder = load_model(model)
    path = into or _cache_folder() / f"demo-{platform.python_version()}-{encoder.fingerprint}"
    if not path.exists():
        _build(path, model)
    asked = [Question(text, "") for text in questions] or QUESTIONS
    with connect(path) as engine:
        search = Search(engine, encoder)
        answered = [_ask(search, question) for question in asked]
        documents = engine.count()
    if as_json:
        print_json(_as_json(path, documents, answered))
        return
    click.echo(f"{documents:,} documentation strings of Python {platform.python_version()}\n")
    for answer in answered:
        _print(answer)
    _print_summary(answered)
    _print_next(path, answered[0])


def _cache_folder() -> Path:
    """Where the XDG base directory specification puts it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "latent-terms")


def _build(path: Path, model: str) -> None:
    """What is at `path` is complete: it grows under another name, and goes on there if stopped."""
    from adapters import connect
    from adapters.dead_letters import DeadLetters
    from latent_terms.commands.indexing import Indexing, plan

    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    say(f"Reading the documentation strings in {standard_library()}.")
    found = list(docstrings(standard_library(), limit=MOST_DOCUMENTS))
    rejected = DeadLetters(path.with_name(f"{path.name}.rejected.jsonl"))
    with connect(unfinished) as engine, rejected, progress("index", total=len(found)) as update:
        run = Indexing(engine, plan(engine, GIVEN, model=model, no_latent=False), rejected)

        def records() -> Iterator[Record]:
            for done, doc in enumerate(found, start=1):
                source = {"name": doc.name, "kind": doc.kind, "text": doc.text}
                yield Record(doc.name, source, doc.name)
                run.read_so_far(done)

        report = run.over(records(), update=update)
    unfinished.rename(path)
    say(f"Indexed {report.indexed:,} of them in {report.seconds:.0f} s, into {path}.\n")


def _ask(search: Search, question: Question) -> Answered:
    hits = {mode: search.search(question.text, mode=mode, size=HITS).hits for mode in MODES}
    return Answered(question, hits)


def _print(answered: Answered) -> None:
    columns = [answered.hits[mode] for mode in MODES]
    rows = [
        [_name(hits[row], answered) if row < len(hits) else "" for hits in columns]
        for row in range(HITS)
    ]
    print_table(MODES, rows, title=answered.question.text)
    click.echo()


def _name(hit: Hit, answered: Answered) -> str:
    return f"✓ {hit.id}" if answered.is_answer(hit) else f"  {hit.id}"


def _print_summary(answered: list[Answered]) -> None:
    if any(not answer.question.answer for answer in answered):
        return
    counts = [f"{mode} {sum(a.found(mode) for a in answered)}" for mode in MODES]
    click.echo(
        f"✓ answers the question. Of {len(answered)} questions, put in other words than the "
        f"documentation's,\n  answered among the first {HITS}: {', '.join(counts)}.\n"
    )


def _print_next(path: Path, answered: Answered) -> None:
    hits = answered.hits["latent"]
    text = answered.question.text
    click.echo("Try next:")
    click.echo('  latent-terms demo "your own question about Python"')
    if hits:
        click.echo(f'  latent-terms explain {path} "{text}" {hits[0].id}')
    click.echo("  latent-terms vocabulary search python")
    click.echo("  latent-terms index your-documents/ --into your-index")


def _as_json(path: Path, documents: int, answered: list[Answered]) -> dict[str, Any]:
    return {
        "index": str(path),
        "documents": documents,
        "questions": [
            {
                "question": answer.question.text,
                "answer": answer.question.answer or None,
                "hits": {
                    mode: [{"id": hit.id, "score": hit.score} for hit in answer.hits[mode]]
                    for mode in MODES
                },
            }
            for answer in answered
        ],
    }
