"""How fast are latent terms in OpenSearch and Elasticsearch, and what do they take up?

Beside the lexical match, the servers' own sparse vectors of the same terms, and k-NN over vectors
of the same backbone: same documents, same queries, one shard, merged, warm, in turns.

    PYTHONPATH=. python benchmarks/engines.py --work work --collection scifact \\
        --passages text.txt.gz --json benchmarks/results/engines.json

A collection in BEIR layout gives queries and judgements, passages fill the indexes up. The servers
are those of the tests (docs/developing.md), started here one after the other; with --opensearch or
--elasticsearch they are yours. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import contenders
import representations
from contenders import Query
from encoded import Encoded, add_options, documents, encode
from engines_page import page
from hardware import hardware
from race import Races
from rich.console import Console
from rich.progress import track

from adapters import Schema
from adapters.dialect.dialect import Dialect
from adapters.server.cluster import Cluster
from adapters.server.engine import ServerEngine
from latent_terms import TermEncoder, load
from latent_terms.evaluation import Collection, measure

KINDS = ("opensearch", "elasticsearch")
PREFIX = "latent-terms-benchmark"
PACKAGES = ("onnxruntime", "urllib3")


@dataclass(frozen=True)
class Material:
    """What both servers get."""

    texts: Sequence[tuple[str, str]]
    encoded: Encoded
    queries: Sequence[Query]
    judgements: Mapping[str, Mapping[str, int]]
    model: Schema


def main() -> None:
    options = _options()
    material = _material(options)
    report: dict[str, Any] = {
        "model": material.model.model,
        "fingerprint": material.model.fingerprint,
        "collection": options.collection.name,
        "queries": len(material.queries),
        "terms_per_query": fmean(len(query.terms) for query in material.queries),
        "rounds": options.rounds,
        "clients": options.clients,
        "heap": options.heap,
        "hardware": hardware(PACKAGES),
        "servers": {},
    }
    for kind in options.engine or KINDS:
        with _server(kind, options) as url:
            cluster = Cluster(url.replace("http://", f"{kind}://"))
            version = ".".join(map(str, cluster.server.version))
            for size, figures in _run(cluster, url, material, options):
                report["servers"].setdefault(f"{kind} {version}", {})[str(size)] = figures
                if options.json:
                    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(page(report))


def _run(
    cluster: Cluster, url: str, material: Material, options: argparse.Namespace
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Figures for each number of documents; the indexes grow from one to the next."""
    dialect = Dialect.of(cluster.server)
    kinds = representations.representations(dialect, material.encoded)
    engines = {
        kind.name: representations.open_index(cluster, PREFIX, kind, material.model)
        for kind in kinds
    }
    contenders.prepare(cluster, dialect)
    filled = 0
    try:
        for size in options.documents:
            part = list(enumerate(material.texts))[filled:size]
            for kind in track(kinds, f"Loading {size:,} documents", console=Console(stderr=True)):
                representations.load(engines[kind.name], kind, material.encoded, part)
            filled = size
            yield size, _figures(engines, dialect, url, material, size, options)
    finally:
        for engine in engines.values():
            cluster.request("DELETE", f"/{engine.index}")


def _figures(
    engines: Mapping[str, ServerEngine],
    dialect: Dialect,
    url: str,
    material: Material,
    size: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    racers = contenders.contenders(engines, dialect, material.encoded, size, material.queries)
    races = Races(url, racers, options.clients)
    answers = races.answers()
    races.alone(1)  # warm
    alone, together = races.alone(options.rounds), races.together(options.rounds)
    ids = [query.id for query in material.queries]
    return {
        "load_average": os.getloadavg()[0],
        "terms_per_document": int(material.encoded.starts[size]) / size,
        "bytes": {n: representations.size_in_bytes(e) for n, e in engines.items()},
        "stored_bytes": {n: representations.stored_bytes(e) for n, e in engines.items()},
        "searches": {
            racer.name: {
                "ndcg@10": _ndcg(dict(zip(ids, answers[racer.name], strict=True)), material),
                "alone": alone[racer.name].report(),
                "together": together[racer.name].report(),
            }
            for racer in racers
        },
    }


def _ndcg(found: Mapping[str, Sequence[str]], material: Material) -> float:
    return fmean(measure(found, material.judgements)["ndcg@10"].values())


def _material(options: argparse.Namespace) -> Material:
    collection = Collection.read(options.collection)
    encoder = load(options.model)
    texts = list(documents(options.collection, options.passages, options.documents[-1]))
    if len(texts) < options.documents[-1]:
        raise SystemExit(f"there are only {len(texts):,} documents: give more passages")
    queries = _queries(collection, encoder, options.queries)
    return Material(
        texts=texts,
        encoded=encode(encoder, [text for _, text in texts], options.work),
        queries=queries,
        judgements={query.id: collection.qrels[query.id] for query in queries},
        model=Schema(text=("text",), fingerprint=encoder.fingerprint, model=encoder.name),
    )


def _queries(collection: Collection, encoder: TermEncoder, n: int) -> list[Query]:
    asked = dict(islice(collection.queries.items(), n))
    terms = encoder.encode_queries(asked.values())
    vectors = encoder.embed_queries(asked.values())
    return [
        Query(*item, found, vector)
        for item, found, vector in zip(asked.items(), terms, vectors, strict=True)
    ]


@contextmanager
def _server(kind: str, options: argparse.Namespace) -> Iterator[str]:
    with ExitStack() as stack:
        given = getattr(options, kind)
        if given is None:
            from tests.servers import start  # noqa: TID251 - the same servers as the tests

            given = stack.enter_context(start(kind, heap=options.heap)).url
        yield given.rstrip("/")


def _sizes(text: str) -> list[int]:
    return sorted(int(size) for size in text.split(","))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_options(parser)
    parser.add_argument(
        "--documents", type=_sizes, default="10000,50000,200000", help="sizes [%(default)s]"
    )
    parser.add_argument("--queries", type=int, default=100, help="the first ones [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="of all queries [%(default)s]")
    parser.add_argument("--clients", type=int, default=8, help="at once [%(default)s]")
    parser.add_argument("--engine", action="append", choices=KINDS, help="default: both")
    parser.add_argument("--heap", default="2g", help="of a server started here [%(default)s]")
    parser.add_argument("--opensearch", metavar="URL", help="one that runs, over plain HTTP")
    parser.add_argument("--elasticsearch", metavar="URL", help="one that runs, over plain HTTP")
    parser.add_argument("--json", type=Path, help="file to write the figures to, as they come")
    return parser.parse_args()


if __name__ == "__main__":
    main()
