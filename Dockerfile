# The lab's images: services, learner, grader, load. Needs BuildKit.
#
#   docker buildx build --load --target services --tag spbe-lab/services:dev .
#
# Packages come from wherever pip is told to look. Where a build has no network, wheels in .lab/image-wheels do instead:
#
#   docker run --rm -v "$PWD:/lab" -w /lab python:3.13-slim \
#       pip download --dest .lab/image-wheels -r requirements/image.lock -r requirements/learner.lock -r requirements/load.lock
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS services-environment
COPY deploy/image/environment.sh requirements/image.lock .la[b]/image-wheels/*.whl /build/
RUN --mount=type=cache,target=/root/.cache/pip mv /build/image.lock /build/requirements.lock \
 && sh /build/environment.sh /opt/venv

FROM ${PYTHON_IMAGE} AS learner-environment
COPY deploy/image/environment.sh requirements/learner.lock .la[b]/image-wheels/*.whl /build/
RUN --mount=type=cache,target=/root/.cache/pip mv /build/learner.lock /build/requirements.lock \
 && sh /build/environment.sh /opt/learner

FROM ${PYTHON_IMAGE} AS load-environment
COPY deploy/image/environment.sh requirements/load.lock .la[b]/image-wheels/*.whl /build/
RUN --mount=type=cache,target=/root/.cache/pip mv /build/load.lock /build/requirements.lock \
 && sh /build/environment.sh /opt/venv

# The code, its bytecode compiled; readable by the images' user, whatever the umask of the clone.
FROM ${PYTHON_IMAGE} AS services-code
COPY services /code/services
RUN chmod -R a+rX /code && python -m compileall -q --invalidation-mode unchecked-hash /code

FROM ${PYTHON_IMAGE} AS grader-code
COPY grader /code/grader
COPY lab /code/lab
RUN chmod -R a+rX /code && python -m compileall -q --invalidation-mode unchecked-hash /code

FROM ${PYTHON_IMAGE} AS load-code
COPY load /code/load
RUN chmod -R a+rX /code && python -m compileall -q --invalidation-mode unchecked-hash /code

FROM ${PYTHON_IMAGE} AS exercises
COPY exercises /exercises
RUN chmod -R a+rX /exercises

FROM ${PYTHON_IMAGE} AS base
WORKDIR /app
# A number, so that an engine can tell that it is not root; it owns nothing in the image.
USER 10001:10001
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

FROM base AS learner
ENV PATH=/opt/learner/bin:$PATH
COPY --from=learner-environment /opt/learner /opt/learner
COPY --from=grader-code /code/grader/isolation/keeper /opt/keeper/grader/isolation/keeper
WORKDIR /tmp
CMD ["python"]

FROM base AS load
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app
COPY --from=load-environment /opt/venv /opt/venv
COPY --from=load-code /code/load load
ENTRYPOINT ["locust", "--locustfile", "load/locustfile.py"]

FROM base AS grader
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app
COPY --from=services-environment /opt/venv /opt/venv
COPY --from=learner-environment /opt/learner /opt/learner
COPY --from=services-code /code/services services
COPY --from=grader-code /code .
COPY --from=exercises /exercises exercises
ENTRYPOINT ["python", "-m", "grader"]

FROM base AS services
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app
COPY --from=services-environment /opt/venv /opt/venv
COPY --from=services-code /code/services services
ENTRYPOINT ["python", "-m", "services"]
# Of whichever services this container was told to serve.
HEALTHCHECK --interval=5s --timeout=20s --start-period=180s --retries=6 \
    CMD ["sh", "-c", "exec python -S -m services.kit.health $(tr '\\0' ' ' </proc/1/cmdline | sed 's/.* services //; s/ -.*//')"]
