"""A model folder and its ``manifest.json``: checked before anything is used, written in one step.

::

    manifest.json       names, settings, a hash of every file, the fingerprint
    tokenizer.json      Hugging Face tokenizers
    backbone.onnx       input_ids, attention_mask (B, L) -> states (B, L, dimensions)
    sae.onnx            states (n, dimensions) -> values, indices (n, k), strongest first
    vocabulary.jsonl    a latent a line: document frequency, label, family

The fingerprint is a hash over everything that changes the terms of a text. An index remembers
it, so that terms of two models never meet in one field.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from latent_terms.errors import ModelFolderError
from latent_terms.specs import (
    BackboneSpec,
    SaeSpec,
    TermsSpec,
    checked_fields,
    read_spec,
    typed,
)

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MODEL_FILES = ("tokenizer.json", "backbone.onnx", "sae.onnx", "vocabulary.jsonl")

# The vocabulary holds labels and statistics: it explains terms and does not change them.
_FILES_THAT_CHANGE_TERMS = ("tokenizer.json", "backbone.onnx", "sae.onnx")
_REBUILD = "build the folder again, or fetch it again from where it came"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole ``manifest.json``; ``files`` maps file names to their SHA-256 in hex."""

    format_version: int
    name: str
    languages: tuple[str, ...]
    license: str
    backbone: BackboneSpec
    sae: SaeSpec
    terms: TermsSpec
    files: Mapping[str, str]
    fingerprint: str

    @classmethod
    def read(
        cls, folder: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None
    ) -> Manifest:
        """Check a whole model folder and read its manifest.

        ``root``: where links in the folder may lead (default: the folder itself).
        Raises ModelFolderError for another format version, a missing or altered file, a file
        outside ``root``, invalid JSON, and missing, unknown or impossible entries.
        """
        folder = Path(folder)
        manifest = _parse(folder / MANIFEST)
        inside = Path(root or folder).resolve()
        for name, digest in manifest.files.items():
            _check_file(folder, name, digest, inside)
        expected = fingerprint(manifest.backbone, manifest.sae, manifest.terms, manifest.files)
        if manifest.fingerprint != expected:
            raise ModelFolderError(
                f"{folder / MANIFEST} has the fingerprint {manifest.fingerprint!r}, but its "
                f"settings give {expected!r}, so it was edited: {_REBUILD}"
            )
        return manifest


def write_manifest(
    folder: str | os.PathLike[str],
    *,
    name: str,
    languages: Sequence[str],
    license: str,
    backbone: BackboneSpec,
    sae: SaeSpec,
    terms: TermsSpec,
) -> Manifest:
    """Hash the files of a model folder and write its manifest, whole or not at all.

    Raises ModelFolderError when a model file is missing.
    """
    folder = Path(folder)
    files = {file: _sha256(folder / file) for file in MODEL_FILES}
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        name=name,
        languages=tuple(languages),
        license=license,
        backbone=backbone,
        sae=sae,
        terms=terms,
        files=files,
        fingerprint=fingerprint(backbone, sae, terms, files),
    )
    text = json.dumps(asdict(manifest), indent=1, ensure_ascii=False) + "\n"
    unfinished = folder / f"{MANIFEST}.unfinished"
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, folder / MANIFEST)
    return manifest


def fingerprint(
    backbone: BackboneSpec, sae: SaeSpec, terms: TermsSpec, files: Mapping[str, str]
) -> str:
    """12 hex digits over all that changes terms; names and statistics do not."""
    settings = {
        "format_version": FORMAT_VERSION,
        "backbone": {k: v for k, v in asdict(backbone).items() if k not in ("name", "revision")},
        "sae": asdict(sae),
        "terms": asdict(terms),
        "files": {name: files[name] for name in _FILES_THAT_CHANGE_TERMS},
    }
    canonical = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:12]


def _parse(path: Path) -> Manifest:
    try:
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ModelFolderError(
            f"{path} does not exist: give the folder of a model, with a {MANIFEST} in it"
        ) from exc
    except OSError as exc:
        raise ModelFolderError(f"{path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise ModelFolderError(f"{path} is not JSON ({exc}): {_REBUILD}") from exc
    if isinstance(data, dict) and data.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        raise ModelFolderError(
            f"{path} has format version {data['format_version']!r}, and this latent-terms reads "
            f"version {FORMAT_VERSION}: install the latent-terms that wrote it, "
            "or build the folder again"
        )
    try:
        return _manifest(data)
    except ValueError as exc:
        raise ModelFolderError(f"{path} is not a manifest: {exc}; {_REBUILD}") from exc


def _manifest(data: object) -> Manifest:
    fields = checked_fields(Manifest, data, "the manifest")
    languages = typed(fields["languages"], list, "languages")
    files: dict[str, str] = typed(fields["files"], dict, "files")
    missing = [name for name in MODEL_FILES if name not in files]
    if missing:
        raise ValueError(f"files does not list {missing}")
    return Manifest(
        format_version=typed(fields["format_version"], int, "format_version"),
        name=typed(fields["name"], str, "name"),
        languages=tuple(typed(language, str, "languages") for language in languages),
        license=typed(fields["license"], str, "license"),
        backbone=read_spec(BackboneSpec, fields["backbone"], "backbone"),
        sae=read_spec(SaeSpec, fields["sae"], "sae"),
        terms=read_spec(TermsSpec, fields["terms"], "terms"),
        files={name: typed(digest, str, f"files.{name}") for name, digest in files.items()},
        fingerprint=typed(fields["fingerprint"], str, "fingerprint"),
    )


def _check_file(folder: Path, name: str, digest: str, inside: Path) -> None:
    path, parts = folder / name, PurePosixPath(name)
    outside = parts.is_absolute() or ".." in parts.parts
    if outside or not path.resolve().is_relative_to(inside):
        raise ModelFolderError(
            f"{folder / MANIFEST} lists {name!r}, which lies outside the folder: {_REBUILD}"
        )
    if _sha256(path) != digest:
        raise ModelFolderError(
            f"{path} is not the file that the manifest describes, its SHA-256 differs: {_REBUILD}"
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as exc:
        raise ModelFolderError(f"{path} is missing: {_REBUILD}") from exc
    except OSError as exc:
        raise ModelFolderError(f"{path} cannot be read: {exc.strerror}") from exc
