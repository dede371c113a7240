# The server, with the default model inside: it needs no network. docs/serve.md says how to run it.
FROM python:3.13-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(echo /wheels/faceparse-*.whl)[serve]" \
    && useradd --system --uid 10001 faceparse
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live')"]
ENTRYPOINT ["faceparse", "serve", "--host", "0.0.0.0"]
