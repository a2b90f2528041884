# Stillframe with what a cluster, archives in object storage and messages need. By the distribution's Python, which is quicker than
# most that are built by hand. It runs as nobody in particular, on a file system that may be read-only but for /tmp.
FROM debian:trixie-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv
ARG EXTRAS=dask,s3,notify
COPY . /source
RUN python3 -m venv /opt/stillframe
RUN /opt/stillframe/bin/pip install --no-cache-dir "/source[$EXTRAS]"

FROM debian:trixie-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/stillframe /opt/stillframe
ENV PATH=/opt/stillframe/bin:$PATH HOME=/tmp DASK_TEMPORARY_DIRECTORY=/tmp PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["stillframe"]
