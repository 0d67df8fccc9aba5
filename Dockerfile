# The ext_proc server alone, with the NER model inside; Envoy comes from its own image.
# Every package is installed from a lock file with hashes, and nothing of the build stage but the
# finished environment is kept.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src

# The compiler is for the native NER kernel, and stays in this stage. Whichever version the base image has will do.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*

# The lock files come first: a change of our code does not fetch the dependencies again.
COPY requirements-build.lock requirements-image.lock ./
RUN pip install --require-hashes --only-binary :all: --requirement requirements-build.lock \
 && python -m venv --without-pip /opt/pii-sidecar \
 && pip --python /opt/pii-sidecar install --require-hashes --only-binary :all: --requirement requirements-image.lock

COPY pyproject.toml hatch_build.py README.md LICENSE patterns.json ./
COPY patterns ./patterns
COPY sidecar ./sidecar
RUN pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /dist . \
 && pip --python /opt/pii-sidecar install --no-deps --no-index /dist/*.whl


FROM python:3.11-slim
COPY --from=build /opt/pii-sidecar /opt/pii-sidecar

# One uid for the sidecar and Envoy: the socket between them has mode 0600.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /run/pii-sidecar
USER 65532:65532
WORKDIR /run/pii-sidecar
ENV PATH=/opt/pii-sidecar/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
STOPSIGNAL SIGTERM

# Asks over the very socket that Envoy uses.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import grpc, sys; from grpc_health.v1 import health_pb2, health_pb2_grpc; sys.exit(health_pb2_grpc.HealthStub(grpc.insecure_channel('unix:/run/pii-sidecar/worker-0.sock')).Check(health_pb2.HealthCheckRequest(), timeout=3).status != 1)"]

ENTRYPOINT ["pii-sidecar"]
CMD ["serve", "--listen", "unix:/run/pii-sidecar/worker-0.sock"]
