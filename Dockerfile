# Two images: `keiyaku`, which is every process kind, and `unbound`, the validating resolver beside it.
FROM debian:12-slim AS unbound
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends unbound dns-root-data dnsutils \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/unbound/unbound.conf /etc/unbound/unbound.conf
ENTRYPOINT ["/usr/sbin/unbound", "-d", "-c", "/etc/unbound/unbound.conf"]

FROM python:3.11-slim-bookworm AS keiyaku
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home keiyaku \
    && install -d -o keiyaku -m 0700 /var/lib/keiyaku /var/lib/keiyaku/ca /run/keiyaku /run/keiyaku-ocsp
WORKDIR /opt/keiyaku
COPY requirements.lock .
RUN pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY acme_server acme_server
COPY ca ca
COPY contract_gate contract_gate
COPY office office
COPY sql sql
RUN pip install --quiet --no-deps --no-build-isolation .
USER keiyaku
ENTRYPOINT ["keiyaku"]
