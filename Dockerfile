# The service in one image, for a user without rights and a read-only root file system:
#
#     docker build --tag pip-api .
#     alias run='docker run --rm --read-only --tmpfs /tmp --volume pip-api:/var/lib/pip-api'
#     run pip-api pip-api migrate
#     run --publish 8000:8000 pip-api
#
# That is a trial: the service makes a signing key of its own. For production set PIP_ENVIRONMENT=production, mount a key
# and name it in PIP_SIGNING_KEY_FILE. For PostgreSQL set PIP_DATABASE_URL=postgresql://pip_app@HOST/NAME, and give only the
# container that migrates PIP_MIGRATION_DATABASE_URL, a login that may become pip_owner (docs/adr/0016).
#
# Pin the base image by digest in your own registry: the tag moves with Python's security releases.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /app
ENV PATH=/app/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY migrations ./migrations
COPY src ./src
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
COPY --from=build /app /app
# A named volume takes its owner and mode from this directory. The database and the signing key live here, and nothing else is written.
RUN install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/pip-api
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DATABASE_URL=sqlite:////var/lib/pip-api/pip.db \
    PIP_SIGNING_KEY_FILE=/var/lib/pip-api/signing-key.pem \
    PIP_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/pip-api
VOLUME /var/lib/pip-api
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["pip-api", "serve"]
