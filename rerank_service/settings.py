"""Settings of the service: one frozen object, from flags, then the environment, then defaults.

Each field is a flag and a variable: ``timeout_ms`` is ``--timeout-ms`` and
``LATENT_TERMS_TIMEOUT_MS``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from rerank_service.errors import SettingsRejected

PREFIX = "LATENT_TERMS_"
_MB = 1 << 20


def _setting(default: Any, help: str, *, least: int | None = None, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "secret": secret})


def _store_default() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(cache, "latent-terms", "vectors"))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Raises SettingsRejected where a value cannot be."""

    model: str = _setting(
        "minilm-en", "A shipped model, a model folder, or hub:organisation/name[@revision]."
    )
    host: str = _setting("127.0.0.1", "The address to listen at; 0.0.0.0 is every interface.")
    port: int = _setting(8080, "The port to listen at; 0 takes a free one.", least=0)
    tls_certificate: str = _setting("", "A PEM file with the certificate chain; turns TLS on.")
    tls_key: str = _setting("", "The PEM file of its private key.")
    api_keys: tuple[str, ...] = _setting(
        (),
        "Keys that clients may use, with commas between them. No key: everyone may ask.",
        secret=True,
    )
    api_keys_file: str = _setting("", "A file with a key a line, added to the others.")
    threads: int = _setting(
        0, "Batches run at a time; 0 is one a CPU core that it may use.", least=0
    )
    batch_tokens: int = _setting(512, "Most tokens of a batch, padding included.", least=8)
    queue_tokens: int = _setting(
        200_000, "Most tokens that wait; above, requests get 429 at once.", least=8
    )
    request_tokens: int = _setting(
        100_000, "Most tokens that one request may need encoded; above, it gets 413.", least=8
    )
    tokens_per_document: int = _setting(
        512, "Tokens of a document that reranking reads, where a request does not say.", least=1
    )
    query_tokens: int = _setting(512, "Tokens of a query that reranking reads.", least=1)
    max_documents: int = _setting(1000, "Most texts or documents in a request.", least=1)
    max_body_bytes: int = _setting(16 * _MB, "Most bytes of a request's body.", least=1024)
    max_bytes_in_flight: int = _setting(
        128 * _MB, "Most bytes of all bodies together; above, requests get 429.", least=1024
    )
    max_requests: int = _setting(512, "Most requests at a time; above, they get 429.", least=1)
    max_nesting: int = _setting(16, "How deep lists and objects in a body may nest.", least=3)
    body_timeout_ms: int = _setting(10_000, "Time for a body to arrive.", least=1)
    timeout_ms: int = _setting(
        10_000, "Time for a query or a rerank; a request's timeout_ms may ask for less.", least=1
    )
    document_timeout_ms: int = _setting(30_000, "Time for encoding documents.", least=1)
    shutdown_seconds: int = _setting(
        20, "At shutdown, time for requests in flight; then they get 503.", least=0
    )
    store: str = _setting(
        "", "Folder for token vectors, or none.  [default: ~/.cache/latent-terms/vectors]"
    )
    store_bytes: int = _setting(1024 * _MB, "Size of its file.", least=16 * _MB)
    otlp_endpoint: str = _setting(
        "", "Where to send traces, such as http://collector:4318/v1/traces; needs the extra otel."
    )
    log_level: str = _setting("info", "critical, error, warning, info or debug.")

    def __post_init__(self) -> None:
        for each in fields(self):
            least = each.metadata["least"]
            if least is not None and getattr(self, each.name) < least:
                raise _rejected(each, getattr(self, each.name), f"a number from {least:,}")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise SettingsRejected("give tls_certificate and tls_key together, or neither")
        if self.request_tokens > self.queue_tokens:
            raise SettingsRejected(
                f"request_tokens is {self.request_tokens:,} and queue_tokens "
                f"{self.queue_tokens:,}: a request must fit the queue"
            )
        if self.log_level not in ("critical", "error", "warning", "info", "debug"):
            raise SettingsRejected(f"log_level is {self.log_level!r}: choose warning, info, debug")

    @property
    def store_folder(self) -> str | None:
        """Where token vectors are kept; None where they are not."""
        return None if self.store == "none" else self.store or _store_default()

    def keys(self) -> tuple[str, ...]:
        """All keys. Raises SettingsRejected when their file cannot be read or has none."""
        if not self.api_keys_file:
            return self.api_keys
        try:
            lines = Path(self.api_keys_file).read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsRejected(f"api_keys_file {self.api_keys_file}: {exc}") from exc
        keys = tuple(line.strip() for line in lines if line.strip())
        if not keys:
            raise SettingsRejected(f"api_keys_file {self.api_keys_file} holds no key")
        return (*self.api_keys, *keys)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown(self))})"


def load_settings(environment: Mapping[str, str], given: Mapping[str, Any]) -> Settings:
    """Settings from what was ``given`` by field name (None: not given), else the environment.

    Raises SettingsRejected for a value that cannot be, and for an unknown name in ``given``.
    """
    values = {name: value for name, value in given.items() if value is not None}
    for each in fields(Settings):
        written = environment.get(variable(each))
        if each.name not in values and written is not None:
            values[each.name] = _read(each, written)
    return Settings(**values)


def variable(each: Field[Any]) -> str:
    return PREFIX + each.name.upper()


def flag(each: Field[Any]) -> str:
    return "--" + each.name.replace("_", "-")


def shown(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Names and values, secrets as how many there are."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        yield each.name, f"{len(value)} kept secret" if each.metadata["secret"] else value


def _read(each: Field[Any], written: str) -> Any:
    if each.type == "int":
        try:
            return int(written)
        except ValueError as exc:
            raise _rejected(each, written, "a whole number") from exc
    if each.type == "str":
        return written
    return tuple(key.strip() for key in written.split(",") if key.strip())


def _rejected(each: Field[Any], value: object, expected: str) -> SettingsRejected:
    return SettingsRejected(f"{variable(each)} or {flag(each)} is {value!r}: give {expected}")
