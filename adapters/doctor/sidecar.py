"""Whether the sidecar answers, and whether it is the one that the index needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import EngineUnavailable
from .finding import Finding

_TIMEOUT = 5.0  # seconds


def sidecar(url: str, fingerprint: str | None, *, key: str | None = None) -> Iterator[Finding]:
    """Asks the sidecar at a base URL; `fingerprint` is that of the index, where it has one."""
    base = url.rstrip("/")
    try:
        _read(f"{base}/health/ready", key)
        about = json.loads(_read(f"{base}/v1/info", key))
    except HTTPError as exc:
        exc.close()
        said = f"The sidecar at {base} answered {exc.code} to {exc.url.removeprefix(base)}"
        yield Finding("sidecar", "fail", f"{said}: {_REMEDIES.get(exc.code, _OTHER)}.")
    except (ValueError, HTTPException) as exc:
        said = f"{base} does not answer as a sidecar does ({exc!r}): check the address."
        yield Finding("sidecar", "fail", said)
    except OSError as exc:
        reason = exc.reason if isinstance(exc, URLError) else exc
        said = f"The sidecar at {base} cannot be reached: {reason}."
        yield Finding("sidecar", "fail", said, remedy="latent-terms serve")
    else:
        yield judge_sidecar(base, about, fingerprint)


_REMEDIES = {
    401: "it wants its key, or another one",
    503: "it is still loading its model, or is shutting down",
}
_OTHER = "this is another service, or its log says why"


def judge_sidecar(url: str, about: Any, fingerprint: str | None) -> Finding:
    """`about`: what it says of itself."""
    theirs = about.get("fingerprint") if isinstance(about, dict) else None
    if not isinstance(theirs, str):
        return Finding("sidecar", "fail", f"{url} names no model: this is another service.")
    if fingerprint is not None and theirs != fingerprint:
        said = f"The sidecar at {url} encodes by model {theirs}, the index holds {fingerprint}."
        return Finding("sidecar", "fail", f"{said} Start it with the index's model.")
    return Finding("sidecar", "ok", f"The sidecar at {url} is ready, with model {theirs}.")


def model_of(url: str, *, key: str | None = None) -> tuple[str, str]:
    """Fingerprint and name of the sidecar's model. Raises EngineUnavailable."""
    for finding in sidecar(url, None, key=key):
        if finding.level != "ok":
            raise EngineUnavailable(finding.sentence)
    about = json.loads(_read(f"{url.rstrip('/')}/v1/info", key))
    return about["fingerprint"], about["model"]


def _read(url: str, key: str | None) -> bytes:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urlopen(Request(url, headers=headers), timeout=_TIMEOUT) as answer:
        body: bytes = answer.read()
    return body
