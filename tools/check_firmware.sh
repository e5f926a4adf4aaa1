#!/bin/sh
# Types of the firmware against the chip's own modules. The stubs go to typings/, never into .venv: there they would
# shadow CPython's standard library.
set -eu
cd "$(dirname "$0")/.."
stubs=micropython-esp32-stubs==1.29.0.post1
if [ "$(cat typings/.installed 2>/dev/null || true)" != "$stubs" ]; then
    rm -rf typings
    "${UV:-uv}" pip install --quiet --target typings "$stubs"
    echo "$stubs" >typings/.installed
fi
exec "${PYTHON:-.venv/bin/python}" -m mypy --config-file firmware/mypy.ini firmware/boot.py firmware/main.py firmware/rh firmware/drivers
