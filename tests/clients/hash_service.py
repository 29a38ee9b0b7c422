"""The service with the hash encoder: settings from the environment, address on stdout."""

from __future__ import annotations

import os

from latent_terms.testing import hash_encoder
from rerank_service.server import listening, make_server
from rerank_service.settings import load_settings

if __name__ == "__main__":
    settings = load_settings(os.environ, {})
    server = make_server(hash_encoder(threads=1), settings)
    with listening(settings) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])
