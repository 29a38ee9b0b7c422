"""From a backbone and a text to a model folder, in stages that resume where they were stopped.

::

    OUT.work/backbone.onnx               exported, calibrated, int8
    OUT.work/states/                     token states of the text, shard by shard
    OUT.work/reconstruction.safetensors  first stage
    OUT.work/refined.safetensors         second stage
    OUT/                                 the model folder: complete, or not there
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from latent_terms.errors import LatentTermsError
from latent_terms.training.config import TrainConfig
from latent_terms.training.finish import finish
from latent_terms.training.retriever import prepare_retriever
from latent_terms.training.stages import Progress, Run


def train(
    source: str,
    texts: Sequence[Path],
    out: Path,
    config: TrainConfig,
    *,
    resume: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Train a model and write its folder; returns the report that lies beside the model.

    Raises LatentTermsError when ``out`` exists, when an unfinished run is there and ``resume``
    is false or its options differ, and when backbone or text cannot be used.
    """
    if out.exists():
        raise LatentTermsError(f"{out} exists: choose another --out, or delete it")
    torch.manual_seed(config.seed)
    work = out.with_name(out.name + ".work")
    _claim(work, {"source": source, **asdict(config)}, resume=resume)
    progress("backbone", 0, 1, "export and calibration")
    retriever = prepare_retriever(source, texts, config, work)
    run = Run(retriever=retriever, texts=texts, config=config, work=work, progress=progress)
    cache = run.states()
    sae = run.reconstruct(cache)
    if config.refine_passages:
        run.refine(sae, cache)
    report = finish(run, sae, cache, out)
    shutil.rmtree(work)
    return report


def _claim(work: Path, options: dict[str, Any], *, resume: bool) -> None:
    """Make the working folder, or check that it is an unfinished run with the same options."""
    note = work / "options.json"
    if not note.exists():
        work.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(options), encoding="utf-8")
        return
    if not resume:
        raise LatentTermsError(
            f"{work} holds an unfinished run: add --resume to go on with it, or delete it"
        )
    before = json.loads(note.read_text(encoding="utf-8"))
    changed = [f"--{k.replace('_', '-')}" for k in options if before.get(k) != options[k]]
    if changed:
        raise LatentTermsError(
            f"{work} was begun with other values of {', '.join(changed)}: give the same ones to "
            "resume, or delete the folder"
        )
