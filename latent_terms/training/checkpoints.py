"""Checkpoints of a stage: one safetensors file, replaced whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

Parts = dict[str, Any]  # modules, optimisers and tensors by name


def save_checkpoint(path: Path, parts: Parts, step: int) -> None:
    """Write all tensors of ``parts`` and the number of finished steps."""
    tensors = {name: t.contiguous() for name, t in _tensors(parts).items()}
    unfinished = path.with_suffix(".unfinished")
    save_file(tensors, unfinished, metadata={"step": str(step)})
    os.replace(unfinished, path)


def load_checkpoint(path: Path, parts: Parts) -> int:
    """Copy the tensors back into ``parts``; returns the finished steps, 0 without a file."""
    if not path.exists():
        return 0
    _prepare(parts)
    with safe_open(path, framework="pt") as file, torch.no_grad():
        for name, tensor in _tensors(parts).items():
            tensor.copy_(file.get_tensor(name))
        return int(file.metadata()["step"])


def _tensors(parts: Parts) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, part in parts.items():
        if isinstance(part, Tensor):
            found[name] = part
        elif isinstance(part, nn.Module):
            found |= {f"{name}.{key}": value.detach() for key, value in part.named_parameters()}
        else:
            for i, state in part.state_dict()["state"].items():
                found |= {f"{name}.{i}.{key}": value for key, value in state.items()}
    return found


def _prepare(parts: Parts) -> None:
    """Give the optimisers their buffers: one step with zero gradients and no learning rate."""
    for part in parts.values():
        if isinstance(part, torch.optim.Optimizer):
            rates = [group["lr"] for group in part.param_groups]
            for group in part.param_groups:
                group["lr"] = 0.0
                for parameter in group["params"]:
                    parameter.grad = torch.zeros_like(parameter)
            part.step()
            for group, rate in zip(part.param_groups, rates, strict=True):
                group["lr"] = rate
