"""``python -m rerank_service`` is ``latent-terms serve``."""

from __future__ import annotations

from rerank_service.command import command

command(prog_name="python -m rerank_service")
