"""A server that says no, or nothing, as the error of ours that says the same."""

from __future__ import annotations

from typing import Any

from ..errors import (
    AccessDenied,
    EngineBusy,
    EngineError,
    EngineUnavailable,
    IndexExists,
    IndexLocked,
    IndexMissing,
    IndexUnreadable,
)
from .wire import Lost

BUSY = (429, 502, 503, 504)
"""The same may succeed later: overload, a node that is starting, a shard that moves."""


def no_answer(lost: Lost, request: str, address: str, timeout: float) -> EngineUnavailable:
    if lost.how == "unsent":
        return EngineBusy(
            f"{address} cannot be reached: {lost.why}. Check the address and that the server runs."
        )
    if lost.how == "untrusted":
        return EngineUnavailable(
            f"no safe connection to {address}: {lost.why}. Give the authority that signed the "
            "server's certificate (ca_certs) or the certificate's fingerprint, have an expired "
            "certificate renewed, and check that the server speaks TLS on that port."
        )
    if lost.how == "late":
        return EngineBusy(
            f"{request}: no answer within {timeout:g} seconds. "
            "Raise the timeout, or look at what the server is busy with."
        )
    return EngineBusy(
        f"{request}: the connection broke before an answer came: {lost.why}. Check that the server "
        "runs, and whether it speaks TLS (opensearch+https, elasticsearch+https)."
    )


def failure(status: int, body: Any, request: str) -> EngineError:
    """`request` names what was asked for, such as `POST /books/_search`."""
    reason = reason_of(body) or f"HTTP {status}"
    said = f"{request}: the server answered {status}: {reason}"
    kind = _types(body)
    if "index_not_found_exception" in kind:
        return IndexMissing(f"{said}. Correct the name, or create an index first.")
    if "resource_already_exists_exception" in kind:
        return IndexExists(f"{said}. Drop it, or choose another name.")
    if "index_closed_exception" in kind or "index closed" in reason:
        return IndexUnreadable(f"{said}. Open it: POST /INDEX/_open.")
    if "cluster_block_exception" in kind:
        return _blocked(said, reason)
    if status in (401, 403):
        return AccessDenied(f"{said}. {_ACCESS[status]}")
    if status >= 500 or status in BUSY:
        kind_of = EngineBusy if status in BUSY else EngineUnavailable
        return kind_of(f"{said}. Try again; if it stays so, look at the server's log.")
    return EngineError(said)


_ACCESS = {
    401: "Give an API key, or the right user and password.",
    403: "Give the user or API key that permission.",
}


def _blocked(said: str, reason: str) -> EngineError:
    if "disk usage" in reason:
        return IndexLocked(f"{said}. Free disk space; the server then lifts the block.")
    if "read-only" in reason or "write" in reason:
        return IndexLocked(
            f"{said}. Lift the block: PUT /INDEX/_settings with "
            '{"index.blocks.write": null, "index.blocks.read_only": null}.'
        )
    return EngineBusy(f"{said}. Lift the block, or wait until the cluster has recovered.")


def reason_of(body: Any) -> str:
    """The innermost reasons of an error, of a whole answer or of one item of a bulk answer."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return " ".join(str(error or "").split())[:300]
    causes = [_innermost(cause) for cause in _causes(error)]
    return "; ".join(dict.fromkeys(cause for cause in causes if cause))[:1_000]


def _causes(error: dict[str, Any]) -> list[dict[str, Any]]:
    shards = [s.get("reason") for s in error.get("failed_shards") or [] if isinstance(s, dict)]
    return [cause for cause in shards if isinstance(cause, dict)] or [error]


def _innermost(error: dict[str, Any]) -> str:
    reasons: list[str] = []
    inner: Any = error
    while isinstance(inner, dict):
        if inner.get("reason"):
            reasons.append(str(inner["reason"]))
        inner = inner.get("caused_by")
    kept = reasons[:1] + reasons[-1:] if len(reasons) > 1 else reasons
    return ": ".join(dict.fromkeys(kept)) or str(error.get("type") or "")


def _types(body: Any) -> set[str]:
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return set()
    roots = [error, *_causes(error), *(error.get("root_cause") or [])]
    return {str(root.get("type")) for root in roots if isinstance(root, dict)}
