# The image of workers and of the `atlas` command. Everything in it is pinned: packages by the
# hashes in requirements-*.txt, the two base images by tag. If you can reach a registry, pin those
# by digest too: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim

# ── The interpreter, without build tools and GUI ─────────────────────────────────────────────────
FROM ${PYTHON_IMAGE} AS python
WORKDIR /usr/local
RUN rm -rf include lib/pkgconfig man share bin/2to3* bin/idle* bin/pip* bin/pydoc* bin/python*-config bin/wheel \
    && cd lib/python3.11 \
    && rm -rf config-3.11-* ensurepip idlelib lib2to3 site-packages test tkinter turtle.py turtledemo \
    && mkdir site-packages \
    && find . -name __pycache__ -prune -exec rm -rf {} + \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash .

# ── The packages ─────────────────────────────────────────────────────────────────────────────────
FROM ${PYTHON_IMAGE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends binutils
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY requirements-uv.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /uv && /uv/bin/pip install --quiet --require-hashes -r requirements-uv.txt

FROM build AS packages
# `atlas export --format parquet` needs pyarrow, which is larger than half of all the rest: for an
# image with it, --build-arg REQUIREMENTS=requirements-worker-parquet.txt
ARG REQUIREMENTS=requirements-worker.txt
COPY requirements-worker*.txt ./
RUN --mount=type=cache,target=/root/.cache/uv \
    /uv/bin/uv venv --quiet --python /usr/local/bin/python /opt/atlas \
    && /uv/bin/uv pip sync --quiet --python /opt/atlas/bin/python --require-hashes ${REQUIREMENTS}
# Of Amazon's four hundred services Atlas uses S3 and the few that issue its credentials; some wheels
# contain debugging symbols larger than their code. Everything else is left as installed.
RUN cd /opt/atlas/lib/python3.11/site-packages \
    && find botocore/data -mindepth 1 -maxdepth 1 -type d \
        ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} + \
    && strip --strip-debug _brotli.*.so asyncpg/*/*.so zstandard/*.so \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && /opt/atlas/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .

# ── Atlas itself ─────────────────────────────────────────────────────────────────────────────────
FROM build AS atlas
COPY requirements-dev.txt ./
COPY . src
# The virtual environment is needed only for its path, with which scripts begin.
COPY --from=packages /opt/atlas/bin /opt/atlas/bin
COPY --from=packages /opt/atlas/pyvenv.cfg /opt/atlas/
RUN --mount=type=cache,target=/root/.cache/uv \
    mkdir -p /opt/atlas/lib/python3.11/site-packages \
    && mv /opt/atlas/bin /tmp/before && mkdir /opt/atlas/bin && cp -a /tmp/before/python* /opt/atlas/bin/ \
    && /uv/bin/uv pip install --quiet --python /opt/atlas/bin/python --no-deps \
        --build-constraints requirements-dev.txt ./src \
    && /opt/atlas/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/atlas/lib/python3.11/site-packages

# ── What runs ────────────────────────────────────────────────────────────────────────────────────
FROM ${DEBIAN_IMAGE} AS worker
COPY --from=python /usr/local /usr/local
# The libraries that the interpreter needs and the base image does not have; tini reaps orphaned
# grandchildren and forwards signals.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libffi8 libsqlite3-0 libssl3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
    && ldconfig \
    && groupadd --gid 10001 atlas \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin atlas \
    && install -d -o 10001 -g 10001 /var/lib/atlas
COPY --from=packages /opt/atlas /opt/atlas
COPY --from=atlas /opt/atlas /opt/atlas
# All bytecode is compiled, so only /tmp is ever written to: the root may be read-only.
# For blobs in a folder, mount a volume at /var/lib/atlas and set ATLAS_BLOBS=/var/lib/atlas/blobs.
ENV ATLAS_HOME=/tmp/atlas \
    LANG=C.UTF-8 \
    PATH=/opt/atlas/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001
# SIGTERM drains: allow ATLAS_SHUTDOWN_GRACE (30 s) and 15 more before SIGKILL.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 \
    CMD ["atlas", "worker", "--healthcheck"]
ENTRYPOINT ["tini", "--", "atlas"]
CMD ["worker"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Atlas worker" \
    org.opencontainers.image.description="A searchable corpus of documents kept in step with the web" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
