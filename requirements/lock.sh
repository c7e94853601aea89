#!/usr/bin/env bash
# Makes the lock files anew from pyproject.toml (needs uv). They carry hashes, never an index or a host.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet)
uv pip compile pyproject.toml "${options[@]}" --group build --group dev -o requirements/dev.lock "$@"
uv pip compile pyproject.toml "${options[@]}" --group build -c requirements/dev.lock -o requirements/lab.lock "$@"
uv pip compile "${options[@]}" --group learner -c requirements/dev.lock -o requirements/learner.lock "$@"
uv pip compile pyproject.toml "${options[@]}" --group postgresql -c requirements/dev.lock -o requirements/image.lock "$@"
uv pip compile "${options[@]}" --group load -c requirements/dev.lock -o requirements/load.lock "$@"
