"""What importing the packages may and may not bring with it, and what their front doors hold."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level modules of a fresh interpreter in the repository root after the statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return {name.partition(".")[0] for name in json.loads(process.stdout.splitlines()[-1])}


def public_names(module: ModuleType) -> list[str]:
    own = {name for name, value in vars(module).items() if not isinstance(value, ModuleType)}
    visible = {name for name in own if not name.startswith("_") and name != "annotations"}
    return sorted(visible | (own & {"__version__"}))


def test_serving_a_model_imports_neither_torch_nor_transformers() -> None:
    loaded = modules_loaded_by(
        "import latent_terms; assert latent_terms.load().encode_query('how do wings make lift')"
    )
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "transformers", "onnx", "onnxscript", "adapters"}


def test_importing_adapters_brings_no_model_library() -> None:
    loaded = modules_loaded_by("import adapters")
    assert "adapters" in loaded
    assert not loaded & {
        "elasticsearch",
        "fastapi",
        "latent_terms",
        "numpy",
        "onnxruntime",
        "opensearchpy",
        "rerank_service",
        "tokenizers",
        "torch",
        "transformers",
    }


def test_the_command_lines_help_needs_no_model_library() -> None:
    loaded = modules_loaded_by(
        "from latent_terms.commands.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as exit:\n    assert exit.code == 0"
    )
    assert not loaded & {"ir_measures", "onnxruntime", "tantivy", "torch", "transformers"}


@pytest.mark.parametrize("name", ["latent_terms", "adapters"])
def test_the_front_door_is_a_sorted_list_of_everything_public(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(module.__all__)
    assert list(module.__all__) == public_names(module)


def test_rerank_service_is_importable_and_light() -> None:
    assert not modules_loaded_by("import rerank_service") & {"fastapi", "numpy", "latent_terms"}


def test_adapters_is_this_projects_package_and_not_its_namesake() -> None:
    """PyPI's `adapters` (AdapterHub) would shadow or overwrite ours without a warning."""
    adapters = importlib.import_module("adapters")
    assert hasattr(adapters, "Engine"), (
        f"{adapters.__file__} is another project's `adapters`: pip uninstall adapters, "
        "then install latent-terms again"
    )
    owners = set(metadata.packages_distributions().get("adapters", []))
    assert owners <= {"latent-terms"}, f"`adapters` is provided by {sorted(owners)}"


@pytest.mark.parametrize("name", ["latent_terms", "adapters", "rerank_service"])
def test_every_package_says_that_it_is_typed(name: str) -> None:
    assert (ROOT / name / "py.typed").is_file()


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert importlib.import_module("latent_terms").__version__ == project["version"]
