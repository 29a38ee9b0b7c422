"""``manifest.json``: what a model folder holds, checked before anything in it is used.

The *fingerprint* is a hash over everything that changes the terms of a text. An index remembers
it, so that terms of two models never meet in one field.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latent_terms.errors import ModelFolderError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MODEL_FILES = ("tokenizer.json", "backbone.onnx", "sae.onnx", "vocabulary.jsonl")
# The vocabulary holds labels and statistics: it explains terms and does not change them.
_FILES_THAT_CHANGE_TERMS = MODEL_FILES[:3]
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """The dense retriever whose token states are read, and how texts are given to it."""

    name: str
    revision: str
    sha256: str
    dimensions: int
    layer: int
    max_tokens: int
    pooling: str
    query_prefix: str
    document_prefix: str


@dataclass(frozen=True, kw_only=True)
class SaeSpec:
    """The dictionary: its size and how many latents a token activates."""

    n_latents: int
    document_k: int
    query_k: int


@dataclass(frozen=True, kw_only=True)
class TermsSpec:
    """From activations to frequencies; a limit of 0 terms is no limit."""

    document_scale: float
    query_scale: float
    max_document_terms: int
    max_query_terms: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The whole ``manifest.json``."""

    format_version: int
    name: str
    languages: tuple[str, ...]
    license: str
    backbone: BackboneSpec
    sae: SaeSpec
    terms: TermsSpec
    files: Mapping[str, str]
    fingerprint: str
