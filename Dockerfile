# agroal in a container: compiled where there is a compiler, run where there is none, by a user of its own.
#   docker build -t agroal .
#   docker run -p 2345:2345 -v ./conf:/etc/agroal:ro agroal
# PYTHON_IMAGE: any image of Debian's family with Python 3.11 or newer and its venv module.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
RUN apt-get update -q && apt-get install -qy --no-install-recommends gcc libc6-dev \
 && if [ ! -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]; then \
      apt-get install -qy --no-install-recommends python3-dev; \
    fi
COPY . /src
RUN python3 -m venv /opt/agroal && /opt/agroal/bin/pip install --no-cache-dir /src \
 && /opt/agroal/bin/agroal --version && /opt/agroal/bin/agroal --version | grep -q compiled

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/agroal /opt/agroal
ENV PATH=/opt/agroal/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --system --uid 2345 --user-group --home-dir /var/lib/agroal --create-home agroal \
 && install -d -o agroal -g agroal /run/agroal /etc/agroal
USER 2345:2345
EXPOSE 2345
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["agroal-cli", "-D", "/etc/agroal", "ping"]
ENTRYPOINT ["agroal"]
CMD ["-D", "/etc/agroal"]
