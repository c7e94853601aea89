#!/bin/sh
# environment.sh FOLDER: a virtual environment of what ./requirements.lock names, without pip, its bytecode compiled.
# Wheels that lie beside the lock are used, and then no network; without any, pip fetches them as it is configured to.
set -eu
cd "$(dirname "$0")"
folder=$1
python -m venv --without-pip "$folder"
set -- --require-hashes --only-binary :all: --no-compile --requirement requirements.lock
if ls ./*.whl >/dev/null 2>&1; then set -- --no-index --find-links . "$@"; fi
python -m pip --disable-pip-version-check --no-input --python "$folder/bin/python" install "$@"

# What only the packages' own developers use.
find "$folder/lib" -depth -type d \( -name tests -o -path '*/sqlalchemy/testing' \) -exec rm -rf {} +
find "$folder/lib" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.cpp' \) -delete
# By content, not by time: a file's time may change on its way into the image.
python -m compileall -q --invalidation-mode unchecked-hash "$folder/lib"
