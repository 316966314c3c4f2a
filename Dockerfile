# Images of one file: `server` (the last, so the default) and `load` (readers and the speech API's stand-in); and both once
# more for a volume of Fly.io's: `fly` and `fly-load`.
# Every choice and its reason: docs/guide/image.md. Here only what a reader of a line would ask.
#
# The base follows its tag, so that a rebuild gets Debian's repairs. To build twice the same, give its digest:
#   docker buildx imagetools inspect python:3.11-slim-bookworm --format '{{.Manifest.Digest}}'
#   … --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---- what is installed: thrown away but for /app -------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS tools
WORKDIR /build
COPY requirements/uv.txt requirements/
RUN python -m pip install --no-cache-dir --require-hashes -r requirements/uv.txt

FROM tools AS server-files
COPY requirements/server.txt requirements/
# --no-deps: the list is whole, and leaves out on purpose what server.override names. Wheels only: nothing is compiled.
RUN uv venv --python /usr/local/bin/python /app/.venv && \
    uv pip install --python /app/.venv/bin/python --no-deps --require-hashes --only-binary :all: -r requirements/server.txt && \
    rm -f /app/.venv/.lock
COPY LICENSE /app/
COPY reference_server /app/reference_server
# Checked by nothing at run time (unchecked-hash): the same bytes in every build, and valid whatever times files have.
RUN /app/.venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

FROM tools AS load-files
COPY requirements/load.txt requirements/
RUN uv venv --python /usr/local/bin/python /app/.venv && \
    uv pip install --python /app/.venv/bin/python --no-deps --require-hashes --only-binary :all: -r requirements/load.txt && \
    rm -f /app/.venv/.lock
COPY LICENSE /app/
COPY reference_server/__init__.py reference_server/blocks.py /app/reference_server/
COPY loadtests /app/loadtests
RUN /app/.venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app

# ---- what both images stand on -------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
# No installer stays. The image of Python has no .pyc of its standard library, and whoever may not write there compiles it
# anew in every process: an aligner is one per block.
RUN rm -rf /usr/local/lib/python3.*/site-packages/* /usr/local/lib/python3.*/ensurepip /usr/local/include \
        /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/bin/python*-config && \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(test|tests|idlelib|lib2to3|tkinter|turtledemo)/' /usr/local/lib/python3.* && \
    groupadd --gid 10001 reader && \
    useradd --uid 10001 --gid reader --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin reader
ENV PATH=/app/.venv/bin:$PATH \
    HOME=/nonexistent \
    PYTHONDONTWRITEBYTECODE=1
STOPSIGNAL SIGINT

# ---- readers and the speech API's stand-in: docs/guide/load-from-fly.md --------------------------------------------
FROM runtime AS load
COPY --from=load-files /app /app
RUN install -d -o reader -g reader /app/results
ENV PYTHONPATH=/app
WORKDIR /app/results
USER 10001:10001
EXPOSE 5557 8089 8880
CMD ["locust", "-f", "/app/loadtests/locustfile.py"]

# As `fly` below; here the commands are those of fly.load.toml, which come after an entry point.
FROM load AS fly-load
# hadolint ignore=DL3002
USER 0:0
ENTRYPOINT ["sh", "-c", "chown 10001:10001 /app/results && exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \"$@\"", "--"]

# ---- the server ----------------------------------------------------------------------------------------------------
FROM runtime AS serving
COPY --from=server-files /app /app
RUN install -d -o reader -g reader /app/docstore
# HF_HUB_OFFLINE: the model is in the image, and nothing is ever fetched at run time.
ENV HOST=0.0.0.0 \
    PORT=8003 \
    METRICS_PORT=9091 \
    DOCSTORE_DIR=/app/docstore \
    HF_HUB_OFFLINE=1
WORKDIR /app
EXPOSE 8003 9091
# For Docker; Fly asks by itself, as fly.toml says. http.client, because it heeds no proxy of the environment.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=8); c.request('GET', '/api/health'); sys.exit(c.getresponse().status != 200)"]

# On Fly a new volume is root's. So root hands it over, and becomes the same process as below, by exec, without any right
# left: the main process is the server, and no shell stays. What is in the volume is the server's own from then on.
FROM serving AS fly
# hadolint ignore=DL3002
USER 0:0
CMD ["sh", "-c", "chown 10001:10001 \"$DOCSTORE_DIR\" && exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all python -m reference_server"]

FROM serving AS server
# A number, not a name: whoever starts the image can see that it is not root.
USER 10001:10001
# In exec form and without an entry point: the server itself is the main process, so a kill of it is told as one.
CMD ["python", "-m", "reference_server"]
