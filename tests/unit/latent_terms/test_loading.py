from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from latent_terms import ModelFolderError, TermEncoder, load
from latent_terms.manifest import Manifest, write_manifest
from latent_terms.sources import resolve, shipped

from .model_folder import DOCUMENT_K, backbone, sae

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENCODE_FROM_HUB = """
import sys
from latent_terms import LatentTermsError, load
try:
    print(load(sys.argv[1]).encode_query("the cat sat").spell())
except LatentTermsError as error:
    print(f"{type(error).__name__}: {error}")
"""


def replaced(folder: Path, name: str, content: bytes) -> Path:
    """The folder with another file in it and a manifest that says so."""
    manifest = Manifest.read(folder)
    (folder / name).write_bytes(content)
    write_manifest(
        folder,
        name=manifest.name,
        languages=manifest.languages,
        license=manifest.license,
        backbone=manifest.backbone,
        sae=manifest.sae,
        terms=manifest.terms,
    )
    return folder


def test_a_folder_is_loaded_by_path_and_by_string(pristine: Path, encoder: TermEncoder) -> None:
    again = load(str(pristine))
    assert (again.name, again.fingerprint) == ("tiny", encoder.fingerprint)
    assert again.encode_query("the cat sat") == encoder.encode_query("the cat sat") != {}


def test_a_moved_folder_gives_the_same_terms(folder: Path, encoder: TermEncoder) -> None:
    moved = load(folder)
    assert list(moved.encode_documents(["the cat"])) == list(encoder.encode_documents(["the cat"]))


@pytest.mark.parametrize("source", ["no-such-model", Path("no-such-model"), ""])
def test_what_is_neither_shipped_nor_a_folder_is_refused(source: str | Path) -> None:
    with pytest.raises(ModelFolderError, match="there is no model .* give a shipped name"):
        load(source)


def test_a_shipped_name_wins_over_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = shipped()[0]
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve(name).path != Path(name)
    assert resolve(Path(name)).path == Path(name)


@pytest.mark.parametrize("name", ["backbone.onnx", "sae.onnx"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08\x12\x00"])
def test_a_file_that_is_no_model_is_refused(folder: Path, name: str, content: bytes) -> None:
    with pytest.raises(ModelFolderError, match=f"{name} is not an ONNX model"):
        load(replaced(folder, name, content))


def test_models_with_other_inputs_or_sizes_are_refused(folder: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"sae.onnx has the inputs .*'input_ids'"):
        load(replaced(folder, "sae.onnx", backbone().SerializeToString()))
    wrong = sae(k=DOCUMENT_K - 1).SerializeToString()
    with pytest.raises(ModelFolderError, match=r"outputs {'values': 3.* needs {'values': 4"):
        load(replaced(folder, "sae.onnx", wrong))


def test_a_backbone_of_another_width_is_refused(folder: Path) -> None:
    narrow = backbone(width=8).SerializeToString()
    with pytest.raises(ModelFolderError, match=r"{'states': 8}, .* needs {'states': 16}"):
        load(replaced(folder, "backbone.onnx", narrow))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"version": "9.9"}'])
def test_a_file_that_is_no_tokenizer_is_refused(folder: Path, content: bytes) -> None:
    with pytest.raises(ModelFolderError, match="is not a tokenizer that tokenizers .* can read"):
        load(replaced(folder, "tokenizer.json", content))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "near line"),
        (b'{"documents": 10}\n', "describes 0 latents, but its manifest has 32"),
        (b'{"documents": 10}\n{"df": 1}\n', "near line 2"),
        (b'{"documents": 10}\n{"df": 11, "label": [], "family": "broad"}\n', "df is 11"),
        (b'{"documents": 10}\n{"df": 1, "label": [], "family": "wide"}\n', "family is 'wide'"),
        (b'{"documents": 10}\n{"df": 1, "label": "cat", "family": "broad"}\n', "label is 'cat'"),
        (b'{"documents": -1}\n', "-1 is not a number"),
    ],
)
def test_a_wrong_vocabulary_is_refused(folder: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(ModelFolderError, match=sentence):
        load(replaced(folder, "vocabulary.jsonl", content))


@pytest.mark.parametrize("address", ["hub:", "hub:name", "hub:a/b/c", "hub:a/b@", "hub:a b/c"])
def test_what_is_no_hub_address_is_refused(address: str) -> None:
    with pytest.raises(ModelFolderError, match="write hub:org/name"):
        load(address)


@pytest.fixture
def hub_cache(pristine: Path, tmp_path: Path) -> Path:
    """The Hub's cache as it is after fetching org/tiny: links from a snapshot to blobs."""
    repository = tmp_path / "models--org--tiny"
    snapshot, blobs, refs = (
        repository / "snapshots" / COMMIT,
        repository / "blobs",
        repository / "refs",
    )
    for folder in (snapshot, blobs, refs):
        folder.mkdir(parents=True)
    (refs / "main").write_text(COMMIT)
    for file in pristine.iterdir():
        shutil.copy(file, blobs / file.name)
        (snapshot / file.name).symlink_to(Path("../../blobs", file.name))
    return tmp_path


def encode_from_hub(address: str, cache: Path) -> str:
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ENCODE_FROM_HUB, address],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("address", ["hub:org/tiny", f"hub:org/tiny@{COMMIT}"])
def test_a_hub_model_is_served_from_its_cache(
    hub_cache: Path, address: str, encoder: TermEncoder
) -> None:
    assert encode_from_hub(address, hub_cache) == encoder.encode_query("the cat sat").spell()


def test_a_hub_model_that_cannot_be_fetched_is_one_sentence(hub_cache: Path) -> None:
    said = encode_from_hub("hub:org/other@v1", hub_cache)
    assert said.startswith("ModelFolderError: hub:org/other@v1 cannot be fetched")
