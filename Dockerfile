# agroal in a container: a user of its own, nothing to compile at run time, logs to standard error.
#   docker build -t agroal .
#   docker run -p 2345:2345 -v ./conf:/etc/agroal:ro agroal
# PYTHON_IMAGE: any image with Python 3.11 or newer and its venv module.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
COPY . /src
RUN python3 -m venv /opt/agroal && /opt/agroal/bin/pip install --no-cache-dir /src

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/agroal /opt/agroal
ENV PATH=/opt/agroal/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 2345 --home-dir /var/lib/agroal --create-home agroal && install -d -o agroal /run/agroal
USER agroal
EXPOSE 2345
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["agroal-cli", "-D", "/etc/agroal", "status"]
ENTRYPOINT ["agroal"]
CMD ["-D", "/etc/agroal"]
