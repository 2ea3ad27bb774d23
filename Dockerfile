# One image for worker, beat and Flower: Compose and Kubernetes choose the command. The demo's
# stand-ins are in an image of their own (`--target demo`).

# The tag follows the security fixes of Python and Debian; name a digest where builds must repeat.
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
# Dependencies first: their layer is built anew only when a pin changes. Wheels only: the base
# has no compiler, and nothing of a dependency runs while it is installed.
COPY constraints.txt ./
RUN pip install --no-cache-dir --only-binary=:all: --require-hashes -r constraints.txt
COPY pyproject.toml README.md celeryconfig.py ./
COPY mutt_tasks ./mutt_tasks
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE_IMAGE} AS production
LABEL org.opencontainers.image.title="mutt-remediation" \
      org.opencontainers.image.description="Dead letter remediation for the MUTT pipeline"
# A number, so that Kubernetes can tell that it is not root; root owns all files, so that what
# runs cannot change its own code.
RUN groupadd --gid 10001 mutt \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent mutt \
    # A volume here belongs to the user as well: the console's keys.
    && install -d -o 10001 -g 10001 -m 700 /var/lib/mutt
COPY --from=build /opt/venv /opt/venv
# TMPDIR: on a read-only root, /dev/shm is what the worker's pool can write to.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/dev/shm
WORKDIR /app
USER 10001:10001
EXPOSE 8086 8087 8088
# A warm shutdown: the worker ends the step that it is in, then exits.
STOPSIGNAL SIGTERM
# The worker's; Compose replaces it for the others. (A proxy in the environment would catch urllib.)
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; port = os.environ.get('HEALTH_PORT_REMEDIATION') or 8087; u.build_opener(u.ProxyHandler({})).open(f'http://127.0.0.1:{port}/health', timeout=4)"]
CMD ["celery", "-A", "mutt_tasks", "worker", "-Q", "remediation", "-c", "1"]

# For Compose's profile `demo`: stand-ins for Moogsoft and MUTT, which production never holds.
FROM production AS demo
COPY demo ./demo
COPY stand_ins ./stand_ins

# What a build without a target makes.
FROM production
