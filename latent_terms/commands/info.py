"""`latent-terms info`: what a model or an index is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.models import DEFAULT_MODEL, load_model
from latent_terms.commands.output import json_option, print_facts, print_json

if TYPE_CHECKING:
    from adapters import Statistics
    from latent_terms import TermEncoder


@click.command()
@click.argument("what", metavar="[MODEL|INDEX]", default=DEFAULT_MODEL)
@cluster_options
@json_option
def command(*, what: str, cluster: ClusterOptions, as_json: bool) -> None:
    """Describe a model, or an index by its folder or address.

    \b
    Examples:
      latent-terms info
      latent-terms info my-index
      latent-terms info opensearch://localhost:9200/books
      latent-terms info path/to/model --json
    """
    from adapters.server.address import is_server

    folder = Path(what).is_dir() and not Path(what, "manifest.json").exists()
    if folder or is_server(what):
        with cluster.engine(what) as engine:
            facts = index_facts(engine.statistics())
    else:
        facts = model_facts(load_model(what))
    if as_json:
        print_json(facts)
    else:
        print_facts([(name.replace("_", " "), _shown(value)) for name, value in facts.items()])


def model_facts(encoder: TermEncoder) -> dict[str, Any]:
    manifest, vocabulary = encoder.manifest, encoder.vocabulary
    backbone = manifest.backbone
    return {
        "model": manifest.name,
        "fingerprint": manifest.fingerprint,
        "languages": list(manifest.languages),
        "license": manifest.license,
        "backbone": backbone.name,
        "dimensions": backbone.dimensions,
        "layer": backbone.layer,
        "pooling": backbone.pooling,
        "window_tokens": backbone.max_tokens,
        "latents": manifest.sae.n_latents,
        "latents_per_token": {
            "document": manifest.sae.document_k,
            "query": manifest.sae.query_k,
        },
        "families": dict(Counter(latent.family for latent in vocabulary)),
        "training_passages": vocabulary.documents,
    }


def index_facts(statistics: Statistics) -> dict[str, Any]:
    schema = statistics.schema
    return {
        "documents": statistics.documents,
        "documents_with_latent_terms": statistics.documents_with_terms,
        "bytes_on_disk": statistics.bytes_on_disk,
        "model": schema.model,
        "fingerprint": schema.fingerprint,
        "analyzer": schema.analyzer,
        "text_fields": list(schema.text),
        "keyword_fields": list(schema.keyword),
        "number_fields": list(schema.number),
        "date_fields": list(schema.date),
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(number)}" for name, number in value.items())
    if isinstance(value, list):
        return ", ".join(value) or "-"
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if value is None else str(value)
