"""Certificates of secured test servers, checked with another implementation: Python's ssl."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from pathlib import Path

import pytest

from ...servers.certificate import Certificate, make_certificate


def shake_hands(made: Certificate) -> str:
    """The fingerprint that a client sees who trusts this certificate only."""
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(made.certificate, made.key)
    theirs = ssl.create_default_context(cafile=made.certificate)
    near, far = socket.socketpair()
    serving = threading.Thread(target=serve, args=(ours, near))
    serving.start()
    try:
        with far, theirs.wrap_socket(far, server_hostname="127.0.0.1") as secured:
            return hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    finally:
        serving.join()


def serve(context: ssl.SSLContext, near: socket.socket) -> None:
    try:
        with near, context.wrap_socket(near, server_side=True):
            return
    except (ssl.SSLError, OSError):
        return  # the client did not like what it saw


def test_a_client_that_trusts_it_connects_and_sees_the_fingerprint(tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    assert shake_hands(made) == made.fingerprint


def test_one_that_has_expired_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        shake_hands(make_certificate(tmp_path, days=-1))
