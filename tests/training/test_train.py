"""The whole way: a retriever and text in, a model folder that serves out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import latent_terms
from latent_terms import LatentTermsError
from latent_terms.training.config import TrainConfig
from latent_terms.training.train import train

SMALL = TrainConfig(
    tokens=20_000,
    n_latents=128,
    k=4,
    batch_tokens=512,
    refine_passages=288,
    vocabulary_passages=600,
    calibration_passages=20,
    drop_above=1.0,
    checkpoint_steps=3,
    seed=5,
)


def quiet(stage: str, done: float, total: float, note: str) -> None:
    return None


@pytest.fixture(scope="module")
def trained(
    retriever: Path, text: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("models") / "tiny"
    return out, train(str(retriever), [text], out, SMALL, resume=False, progress=quiet)


def test_the_folder_serves_and_tells_topics_apart(trained: tuple[Path, dict[str, Any]]) -> None:
    encoder = latent_terms.load(trained[0])
    cats, more_cats, trial = encoder.encode_documents(
        [
            "cat dog horse fur paw tail " * 4,
            "fur cat tail dog horse paw " * 4,
            "judge law jury oath trial court " * 4,
        ]
    )
    assert cats and trial
    assert len(cats.keys() & more_cats.keys()) > len(cats.keys() & trial.keys())
    assert encoder.manifest.backbone.query_prefix == "the "
    assert encoder.manifest.backbone.max_tokens == 48


def test_the_report_tells_what_came_out(trained: tuple[Path, dict[str, Any]]) -> None:
    out, report = trained
    assert report == json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert 0 < report["nmse"] < 1
    assert 0 < report["live_latents"] <= 128
    assert sum(row["share"] for name, row in report["families"].items() if name != "dead") == (
        pytest.approx(1, abs=0.01)
    )
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page and "Zipf exponent" in page
    assert report["most_common"][0]["label"][0] in page


def test_nothing_but_the_folder_is_left(trained: tuple[Path, dict[str, Any]]) -> None:
    out, _ = trained
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_an_existing_folder_is_not_overwritten(
    trained: tuple[Path, dict[str, Any]], retriever: Path, text: Path
) -> None:
    with pytest.raises(LatentTermsError, match="exists: choose another --out"):
        train(str(retriever), [text], trained[0], SMALL, resume=False, progress=quiet)


@pytest.mark.parametrize("stage", ["token states", "reconstruction", "refinement"])
def test_a_run_stopped_anywhere_resumes_to_the_same_model(
    stage: str,
    trained: tuple[Path, dict[str, Any]],
    retriever: Path,
    text: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "tiny"
    calls = 0

    def stop_there(at: str, done: float, total: float, note: str) -> None:
        nonlocal calls
        calls += at == stage
        if calls == 5 or (calls == 2 and stage != "reconstruction"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(str(retriever), [text], out, SMALL, resume=False, progress=stop_there)
    assert not out.exists()
    with pytest.raises(LatentTermsError, match="add --resume"):
        train(str(retriever), [text], out, SMALL, resume=False, progress=quiet)
    report = train(str(retriever), [text], out, SMALL, resume=True, progress=quiet)
    assert report.keys() == trained[1].keys()
    resumed, whole = latent_terms.load(out), latent_terms.load(trained[0])
    assert resumed.fingerprint == whole.fingerprint


def test_resuming_with_other_options_is_refused(
    retriever: Path, text: Path, tmp_path: Path
) -> None:
    def stop(at: str, done: float, total: float, note: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(str(retriever), [text], tmp_path / "m", SMALL, resume=False, progress=stop)
    other = TrainConfig(k=5, tokens=20_000)
    with pytest.raises(LatentTermsError, match="--k"):
        train(str(retriever), [text], tmp_path / "m", other, resume=True, progress=quiet)


def test_the_command_survives_kill_9(retriever: Path, text: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    command = [
        *(sys.executable, "-m", "latent_terms.commands.main", "train", "--json"),
        *("--backbone", str(retriever), "--text", str(text), "--out", str(out)),
        *("--tokens", "20000", "--n-latents", "128", "--k", "4", "--batch-tokens", "128"),
        *("--checkpoint-steps", "2", "--refine-passages", "0", "--calibration-passages", "20"),
    ]
    checkpoint = tmp_path / "model.work" / "reconstruction.safetensors"
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists() and not out.exists()
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["live_latents"] > 0
    assert latent_terms.load(out).name == "model"
