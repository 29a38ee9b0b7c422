"""Dockerfile, compose file, unit, manifest and the page about them agree with the project."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

import latent_terms
from latent_terms.testing import hash_encoder
from rerank_service.healthy import fault, main
from rerank_service.server import BackgroundServer
from rerank_service.settings import Settings, load_settings, variable

from .serving import Running, running

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
UNIT = (ROOT / "deploy/latent-terms.service").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
IMAGE = f"latent-terms:{latent_terms.__version__}"
HEALTHY = ["python", "-m", "rerank_service.healthy"]
STORE = "/var/lib/latent-terms/vectors"
STOPS = Settings().shutdown_seconds + 5  # seconds until the last answer is out


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} +(.+)$", DOCKERFILE, re.MULTILINE)


def manifests() -> dict[str, Any]:
    text = (ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def settings_in(text: str) -> Settings:
    """Of `LATENT_TERMS_NAME=value`; every name must be a setting."""
    given = dict(re.findall(r"(LATENT_TERMS_\w+)=(\S+)", text))
    known = {variable(each) for each in fields(Settings)}
    assert given.keys() <= known
    return load_settings(given, {})


def test_the_image_pins_its_base_and_leaves_tools_behind() -> None:
    bases = instructions("FROM")
    assert len(bases) == 2
    for base in bases:
        assert re.match(r"python:3\.\d+\.\d+-slim-\w+( AS build)?$", base), base
    final = DOCKERFILE.rpartition("FROM ")[2]
    assert "pip" not in final and "apt" not in final
    assert int(instructions("USER")[-1]) > 0
    assert DOCKERFILE.index("USER 10001") < DOCKERFILE.index("ENTRYPOINT")


def test_the_image_takes_what_the_project_has() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [shlex.split(line) for line in instructions("COPY") if "--from" not in line]
    names = {name for *sources, _ in copied for name in sources}
    assert names == let_in
    assert all((ROOT / name).exists() for name in names)
    assert {PROJECT["readme"], *PROJECT["license-files"]} <= names


def test_the_image_starts_the_console_script_and_asks_whether_it_is_ready() -> None:
    assert instructions("ENTRYPOINT") == ['["latent-terms", "serve"]']
    assert "latent-terms" in PROJECT["scripts"]
    (check,) = instructions("HEALTHCHECK")
    assert yaml.safe_load(check.partition("CMD")[2]) == HEALTHY
    settings = settings_in(DOCKERFILE)
    assert settings.host == "0.0.0.0" and settings.store == STORE
    assert instructions("EXPOSE") == [str(settings.port)]


def test_what_the_image_installs_is_pinned_and_is_what_the_project_needs() -> None:
    lines = (ROOT / "requirements-service.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    needed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["service"]]
    for requirement in map(Requirement, needed):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_compose_runs_the_service_beside_the_engines() -> None:
    sidecar = COMPOSE["services"]["sidecar"]
    assert sidecar["image"] == IMAGE
    assert sidecar["healthcheck"]["test"] == ["CMD", *HEALTHY]
    assert sidecar["volumes"] == [f"vectors:{STORE}"]
    assert int(sidecar["stop_grace_period"].removesuffix("s")) > STOPS
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert not service["image"].endswith("latest") and "healthcheck" in service
        if name != "sidecar":
            assert service["depends_on"]["sidecar"]["condition"] == "service_healthy"
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in COMPOSE["volumes"]


def test_the_manifest_is_of_this_image_and_these_settings() -> None:
    found = manifests()
    assert found.keys() == {"Deployment", "Service", "PodDisruptionBudget"}
    pod = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert pod["securityContext"]["runAsUser"] == int(instructions("USER")[-1])
    assert container["ports"][0]["containerPort"] == settings_in(DOCKERFILE).port
    known = {variable(each) for each in fields(Settings)}
    assert {each["name"] for each in container["env"]} <= known
    mounts = {each["mountPath"] for each in container["volumeMounts"]}
    assert mounts == {STORE, "/etc/latent-terms"}
    (seconds,) = (int(each) for each in container["lifecycle"]["preStop"]["exec"]["command"][1:])
    assert pod["terminationGracePeriodSeconds"] > STOPS + seconds


def test_everything_in_the_manifest_selects_the_same_pods() -> None:
    found = manifests()
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_probes_ask_for_what_is_answered(service: Running) -> None:
    (container,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert service.get(container[probe]["httpGet"]["path"]).status_code == 200


def test_the_unit_starts_the_console_script_with_settings_that_are_there() -> None:
    assert "ExecStart=/opt/latent-terms/bin/latent-terms serve\n" in UNIT
    assert settings_in(UNIT).store == STORE and "StateDirectory=latent-terms\n" in UNIT
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", UNIT, re.MULTILINE)
    assert int(seconds) > STOPS


def test_the_health_check_tells_ready_from_not(
    monkeypatch: pytest.MonkeyPatch, service: Running
) -> None:
    port = int(service.url.rpartition(":")[2])
    assert fault(Settings(host="0.0.0.0", port=port)) is None
    monkeypatch.setenv("LATENT_TERMS_PORT", str(port))
    main()
    monkeypatch.setenv("LATENT_TERMS_PORT", "soon")
    with pytest.raises(SystemExit, match="not ready: LATENT_TERMS_PORT"):
        main()
    gone = BackgroundServer(hash_encoder(threads=1), Settings(port=0, store="none"))
    gone.stop()
    assert "refused" in str(fault(Settings(port=int(gone.url.rpartition(":")[2]))))


def test_the_health_check_says_no_while_it_stops() -> None:
    with running() as service:
        service.service.ready = False
        assert fault(Settings(port=int(service.url.rpartition(":")[2]))) == "it answered 503"


def test_every_metric_has_a_meaning_and_a_remedy(tmp_path: Path) -> None:
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    explained = {cells[0].strip(" `"): cells for cells in rows if len(cells) == 4}
    with running(store=str(tmp_path)) as service:
        found = {
            line.split()[2].removeprefix("latent_terms_")
            for line in service.get("/metrics").text.splitlines()
            if line.startswith("# TYPE latent_terms_") and not line.split()[2].endswith("_created")
        }
    assert explained.keys() == found
    assert all(meaning.strip() and remedy.strip() for _, _, meaning, remedy in explained.values())
