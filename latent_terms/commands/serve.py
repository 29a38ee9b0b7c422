"""`latent-terms serve`: the HTTP service, whose settings and flags are the service's own."""

from __future__ import annotations

from rerank_service.command import command

__all__ = ["command"]
