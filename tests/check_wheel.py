"""Says what is missing from a built wheel: `python tests/check_wheel.py dist/*.whl`."""

from __future__ import annotations

import sys
import zipfile

MODEL = "latent_terms/models/minilm-en/"
EXPECTED = {
    "latent_terms/__init__.py",
    "latent_terms/py.typed",
    "latent_terms/commands/main.py",
    "adapters/__init__.py",
    "adapters/py.typed",
    "rerank_service/__init__.py",
    "rerank_service/py.typed",
    *(
        MODEL + name
        for name in (
            "manifest.json",
            "tokenizer.json",
            "backbone.onnx",
            "sae.onnx",
            "vocabulary.jsonl",
        )
    ),
}
TOP_LEVEL = {"latent_terms", "adapters", "rerank_service"}


def main(path: str) -> None:
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    problems = [f"lacks {name}" for name in sorted(EXPECTED - names)]
    problems += [f"holds {name}, which is not ours" for name in sorted(packages - TOP_LEVEL)]
    if problems:
        sys.exit(f"{path} " + "; ".join(problems))
    print(f"{path}: {len(names)} files, nothing missing")


if __name__ == "__main__":
    main(*sys.argv[1:])
