# Two images from one file: `docker build --target server .` and `docker build --target web .`
#
# Both run as user 10001 over a read-only root. The server writes below /data only, the pages nowhere. For builds that
# never change, give the base with its digest: --build-arg BASE=python:3.11.14-slim-bookworm@sha256:…
ARG BASE=python:3.11.14-slim-bookworm

FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PATH=/opt/eventsieve/bin:$PATH
RUN groupadd --gid 10001 eventsieve \
    && useradd --uid 10001 --gid eventsieve --no-create-home --home-dir /tmp --shell /usr/sbin/nologin eventsieve

FROM base AS build-server
WORKDIR /source
COPY deploy/image.sh deploy/
COPY requirements/build.txt requirements/server.txt requirements/
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN sh deploy/image.sh server /opt/eventsieve

FROM base AS build-web
WORKDIR /source
COPY deploy/image.sh deploy/
COPY requirements/build.txt requirements/page.txt requirements/
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY src src
RUN sh deploy/image.sh web /opt/eventsieve

FROM base AS server
LABEL org.opencontainers.image.title="Eventsieve server" \
      org.opencontainers.image.description="Trains, compares and uses classifiers of collision events." \
      org.opencontainers.image.licenses="MIT"
# The OpenMP of LightGBM; Debian's security updates of it are wanted, so it has no version here.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner eventsieve --group eventsieve /data /data/tmp
COPY --from=build-server /opt/eventsieve /opt/eventsieve
COPY deploy/healthy.py /opt/eventsieve/healthy.py
# Open to the network, so everybody has to sign in; large uploads wait on the volume, not in memory.
ENV EVENTSIEVE_HOST=0.0.0.0 \
    EVENTSIEVE_PORT=8000 \
    EVENTSIEVE_AUTH=true \
    EVENTSIEVE_MODEL_DIR=/data/models \
    EVENTSIEVE_LOG_DIR=/data/logs \
    EVENTSIEVE_LOG_FORMAT=json \
    EVENTSIEVE_PDF_PATH=/data/eda.pdf \
    MPLCONFIGDIR=/tmp/matplotlib \
    TMPDIR=/data/tmp
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=4 \
    CMD ["python", "-I", "/opt/eventsieve/healthy.py", "8000", "/readyz"]
ENTRYPOINT ["eventsieve"]
CMD ["serve"]

FROM base AS web
LABEL org.opencontainers.image.title="Eventsieve web pages" \
      org.opencontainers.image.description="The pages of Eventsieve, in English and Russian." \
      org.opencontainers.image.licenses="MIT"
COPY --from=build-web /opt/eventsieve /opt/eventsieve
COPY deploy/healthy.py /opt/eventsieve/healthy.py
ENV EVENTSIEVE_WEB_HOST=0.0.0.0 \
    EVENTSIEVE_WEB_PORT=8501 \
    EVENTSIEVE_AUTH=true \
    EVENTSIEVE_FASTAPI_URL=http://server:8000
USER 10001:10001
WORKDIR /tmp
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=4 \
    CMD ["python", "-I", "/opt/eventsieve/healthy.py", "8501", "/_stcore/health"]
ENTRYPOINT ["eventsieve"]
CMD ["web"]
