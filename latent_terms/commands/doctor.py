"""`latent-terms doctor`: what a cluster lacks for latent terms, and the request that mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from latent_terms.commands.cluster_options import ClusterOptions, cluster_options
from latent_terms.commands.models import NAMES, read_manifest
from latent_terms.commands.output import json_option, print_json, say

if TYPE_CHECKING:
    from adapters.doctor.finding import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
INDENT = " " * 19


def _base_url(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise click.BadParameter(f"{value!r}: write http://HOST:PORT")
    return value


@click.command(short_help="Examine a cluster, and say what to do.")
@click.argument("address", metavar="URL")
@click.option("--model", metavar="MODEL", help=f"{NAMES}: whether the index has its terms.")
@click.option(
    "--sidecar",
    metavar="URL",
    callback=_base_url,
    help="Base URL of the sidecar: whether it answers, and the cluster may call it.",
)
@click.option(
    "--sidecar-key",
    envvar="LATENT_TERMS_SIDECAR_KEY",
    metavar="KEY",
    help="The sidecar's key; better in LATENT_TERMS_SIDECAR_KEY, which nobody sees.",
)
@cluster_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    address: str,
    model: str | None,
    sidecar: str | None,
    sidecar_key: str | None,
    cluster: ClusterOptions,
    as_json: bool,
) -> None:
    """Examine the cluster, and the index, at URL: all that latent terms need of them.

    Each finding is ok, warn or fail. Below a warning or failure stands the request that mends it,
    ready for the console of Kibana or OpenSearch Dashboards, or a command. Nothing is changed.
    Without an index in the URL only the cluster is examined.

    The exit code is 1 when something fails.

    \b
    Examples:
      latent-terms doctor opensearch://localhost:9200/books
      latent-terms doctor elasticsearch+https://search:9200/books --api-key "$KEY" --model minilm-en
      latent-terms doctor https://search.example.org/books --sidecar http://sidecar:8080 --json
    """
    from adapters.doctor.examination import Case
    from adapters.doctor.examine import examine

    manifest = read_manifest(model) if model is not None else None
    with cluster.connect(address) as connected:
        case = Case(
            connected,
            connected.address.index,
            fingerprint=manifest.fingerprint if manifest else None,
            terms_per_query=manifest.terms.max_query_terms if manifest else None,
            sidecar=sidecar,
            sidecar_key=sidecar_key,
        )
        findings = list(_shown(examine(case), quiet=as_json))
    levels = Counter(finding.level for finding in findings)
    if as_json:
        print_json({"findings": [finding.to_json() for finding in findings]})
    say(f"{levels['ok']} ok, {levels['warn']} to look at, {levels['fail']} failed.")
    ctx.exit(1 if levels["fail"] else 0)


def _shown(findings: Iterator[Finding], *, quiet: bool) -> Iterator[Finding]:
    for finding in findings:
        if not quiet:
            _print(finding)
        yield finding


def _print(finding: Finding) -> None:
    level = click.style(f"{finding.level:<6}", fg=COLOURS[finding.level], bold=True)
    click.echo(f"{level}{finding.check:<13}{finding.sentence}")
    fixes = [str(request) for request in finding.requests]
    for fix in [*fixes, finding.remedy] if finding.remedy else fixes:
        click.echo("\n".join(INDENT + line for line in fix.splitlines()))
