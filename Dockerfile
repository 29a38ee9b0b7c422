# The service, with the model for English inside: docker build -t latent-terms .
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /source
# pip stays in this stage.
RUN python -m venv --without-pip /opt/latent-terms
COPY requirements-service.txt ./
RUN pip --python /opt/latent-terms install --no-cache-dir --requirement requirements-service.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY adapters adapters
COPY latent_terms latent_terms
COPY rerank_service rerank_service
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && pip --python /opt/latent-terms install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/latent-terms latent-terms
COPY --from=build /opt/latent-terms /opt/latent-terms
ENV PATH=/opt/latent-terms/bin:$PATH \
    LATENT_TERMS_HOST=0.0.0.0 \
    LATENT_TERMS_PORT=8080 \
    LATENT_TERMS_STORE=/var/lib/latent-terms/vectors \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /var/lib/latent-terms
# A new volume takes its owner from the folder under it.
RUN mkdir vectors
VOLUME /var/lib/latent-terms/vectors
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-m", "rerank_service.healthy"]
ENTRYPOINT ["latent-terms", "serve"]
