from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from latent_terms import ModelFolderError, load
from latent_terms.manifest import FORMAT_VERSION, MODEL_FILES, Manifest, write_manifest
from latent_terms.specs import BackboneSpec, SaeSpec, TermsSpec

from .model_folder import build


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def refused(folder: Path, sentence: str) -> None:
    with pytest.raises(ModelFolderError, match=sentence) as caught:
        Manifest.read(folder)
    assert str(folder) in str(caught.value)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = build(tmp_path)
    assert Manifest.read(tmp_path) == written
    assert written.format_version == FORMAT_VERSION
    assert set(written.files) == set(MODEL_FILES)
    assert re.fullmatch("[0-9a-f]{12}", written.fingerprint)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*MODEL_FILES, "manifest.json"]
    )


@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None])
def test_another_format_version_is_refused(folder: Path, version: object) -> None:
    edit(folder, lambda data: data.update(format_version=version, news="of that version"))
    refused(folder, f"format version {version!r}.* reads version 1: install")


def test_a_folder_without_a_manifest_is_refused(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    refused(folder, "manifest.json does not exist: give the folder of a model")


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, f"{name} is missing: build the folder again")


@pytest.mark.parametrize("name", MODEL_FILES)
def test_an_altered_file_is_refused(folder: Path, name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(folder, f"{name} is not the file that the manifest describes")


def test_a_folder_in_place_of_a_file_is_refused(folder: Path) -> None:
    (folder / "sae.onnx").unlink()
    (folder / "sae.onnx").mkdir()
    refused(folder, "sae.onnx cannot be read")


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/hostname", "link"])
def test_a_path_outside_the_folder_is_refused_unread(folder: Path, name: str) -> None:
    (folder.parent / "secret").write_text("outside")
    (folder / "link").symlink_to(folder.parent / "secret")
    edit(folder, lambda data: data["files"].update({name: "0" * 64}))
    refused(folder, f"lists {name!r}, which lies outside the folder")


def test_a_link_within_the_given_root_is_followed(folder: Path) -> None:
    blob = folder.parent / "blob"
    shutil.move(folder / "sae.onnx", blob)
    (folder / "sae.onnx").symlink_to("../blob")
    refused(folder, "lies outside the folder")
    assert Manifest.read(folder, root=folder.parent).name == "tiny"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"name": "tiny"'])
def test_invalid_json_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    refused(folder, "is not JSON")


@pytest.mark.parametrize("value", [[], "model", 3, None])
def test_json_that_is_no_object_is_refused(folder: Path, value: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(value))
    refused(folder, "must be an object")


@pytest.mark.parametrize("part", ["", "backbone", "sae", "terms"])
def test_a_missing_and_an_unknown_key_are_named(folder: Path, part: str) -> None:
    def change(data: dict[str, Any]) -> None:
        spec = data[part] if part else data
        spec.pop(next(key for key in spec if key != "format_version"))
        spec["colour"] = "blue"

    edit(folder, change)
    refused(folder, r"lacks the keys \['\w+'\] and has the unknown keys \['colour'\]")


WRONG_VALUES = [
    ("name", 3, "name is 3: it must be of type str"),
    ("languages", "en", "languages is 'en': it must be of type list"),
    ("languages", [1], "languages is 1"),
    ("files", [], "files is"),
    ("files", {}, "files does not list"),
    ("sae", None, "sae is None: it must be an object"),
    ("backbone.dimensions", "16", "backbone.dimensions is '16': it must be of type int"),
    ("backbone.dimensions", 0, "dimensions is 0: it must be 1 or more"),
    ("backbone.layer", True, "backbone.layer is True"),
    ("backbone.pooling", "max", "pooling is 'max': it must be one of"),
    ("sae.n_latents", 0, "n_latents is 0"),
    ("sae.query_k", 33, "k is above n_latents, 32"),
    ("terms.document_scale", 0, "a scale is 0.0: it must be above 0"),
    ("terms.query_scale", float("nan"), "a scale is nan"),
    ("terms.max_query_terms", -1, "max_query_terms is -1: it must be 0 or more"),
]


@pytest.mark.parametrize(("key", "value", "sentence"), WRONG_VALUES)
def test_an_impossible_entry_is_named(folder: Path, key: str, value: object, sentence: str) -> None:
    def change(data: dict[str, Any]) -> None:
        *parts, last = key.split(".")
        for part in parts:
            data = data[part]
        data[last] = value

    edit(folder, change)
    refused(folder, re.escape(sentence))


def test_edited_settings_no_longer_match_the_fingerprint(folder: Path) -> None:
    edit(folder, lambda data: data["terms"].update(document_scale=3.0))
    refused(folder, "has the fingerprint .* so it was edited")


def rewrite(folder: Path, manifest: Manifest) -> str:
    return write_manifest(
        folder,
        name=manifest.name,
        languages=manifest.languages,
        license=manifest.license,
        backbone=manifest.backbone,
        sae=manifest.sae,
        terms=manifest.terms,
    ).fingerprint


SETTINGS = [
    (part, field.name)
    for part, spec in (("backbone", BackboneSpec), ("sae", SaeSpec), ("terms", TermsSpec))
    for field in dataclasses.fields(spec)
]


@pytest.mark.parametrize(("part", "field"), SETTINGS)
def test_the_fingerprint_changes_with_every_setting_but_names(
    folder: Path, part: str, field: str
) -> None:
    manifest = Manifest.read(folder)
    spec = getattr(manifest, part)
    other = {str: "cls", int: 5, float: 7.5}[type(getattr(spec, field))]
    changed = dataclasses.replace(manifest, **{part: dataclasses.replace(spec, **{field: other})})
    same = rewrite(folder, changed) == manifest.fingerprint
    assert same == (field in ("name", "revision"))


@pytest.mark.parametrize("name", MODEL_FILES)
def test_the_fingerprint_changes_with_every_file_but_the_labels(folder: Path, name: str) -> None:
    manifest = Manifest.read(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    same = rewrite(folder, manifest) == manifest.fingerprint
    assert same == (name == "vocabulary.jsonl")


def test_the_fingerprint_does_not_change_with_the_models_name(folder: Path) -> None:
    manifest = Manifest.read(folder)
    renamed = dataclasses.replace(manifest, name="other", languages=("de",), license="MIT")
    assert rewrite(folder, renamed) == manifest.fingerprint


def test_writing_needs_every_file_and_leaves_the_old_manifest(folder: Path) -> None:
    manifest = Manifest.read(folder)
    (folder / "sae.onnx").unlink()
    with pytest.raises(ModelFolderError, match="sae.onnx is missing"):
        rewrite(folder, manifest)
    assert json.loads((folder / "manifest.json").read_text())["name"] == "tiny"


def test_load_checks_the_folder_first(folder: Path) -> None:
    (folder / "sae.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelFolderError, match="is not the file that the manifest describes"):
        load(folder)
