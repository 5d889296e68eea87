# One image for code location, webserver and daemon. `docker build --target cpu .` or `--target gpu .`
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm
ARG CUDA_IMAGE=nvidia/cuda:12.9.1-base-ubuntu22.04

# --- cpu: the smaller one. Pass PIP_EXTRA_INDEX_URL with PyTorch's CPU wheels, else pip takes the CUDA build (+3 GB).
FROM ${PYTHON_IMAGE} AS cpu
ARG PIP_EXTRA_INDEX_URL=
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home gogoku
WORKDIR /opt/gogoku
COPY --chown=10001:10001 . .
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[postgres]' \
 && install -d -o 10001 -g 10001 /opt/dagster /var/cache/gogoku \
 && install -o 10001 -g 10001 -m 644 deploy/dagster.yaml /opt/dagster/dagster.yaml
ENV DAGSTER_HOME=/opt/dagster GOGOKU_CACHE_DIR=/var/cache/gogoku DAGSTER_EVENT_BATCH_SIZE=1000 PYTHONUNBUFFERED=1
USER 10001:10001

# --- gpu: PyPI's CUDA build of torch on NVIDIA's base image
FROM ${CUDA_IMAGE} AS gpu
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3.11 python3.11-venv libgomp1 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home gogoku && python3.11 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /opt/gogoku
COPY --chown=10001:10001 . .
RUN pip install --no-cache-dir --constraint constraints.txt --editable '.[postgres]' \
 && install -d -o 10001 -g 10001 /opt/dagster /var/cache/gogoku \
 && install -o 10001 -g 10001 -m 644 deploy/dagster.yaml /opt/dagster/dagster.yaml
ENV DAGSTER_HOME=/opt/dagster GOGOKU_CACHE_DIR=/var/cache/gogoku DAGSTER_EVENT_BATCH_SIZE=1000 PYTHONUNBUFFERED=1
USER 10001:10001
