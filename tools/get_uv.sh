#!/bin/sh
# Print the path of a uv: the one on PATH, else our own in .cache/uv (made once with python3's venv and pip).
set -eu
cd "$(dirname "$0")/.."
UV_VERSION=0.13.9
if command -v uv >/dev/null 2>&1; then command -v uv; exit 0; fi
own="$PWD/.cache/uv/bin/uv"
if [ -x "$own" ]; then echo "$own"; exit 0; fi

say() { echo "roadheat setup: $*" >&2; }
fail() { say "$1"; exit 1; }

python=""
for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "Python 3.11 or newer is missing. Install it (Debian: apt-get install python3 python3-venv) and run again."

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing python3-venv from Debian"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >/dev/null ||
            fail "apt-get could not install python3-venv. Install it by hand and run again."
    else
        fail "python3-venv is missing and installing it needs root. Ask for 'apt-get install python3-venv', or put uv on PATH."
    fi
fi
say "getting uv $UV_VERSION into .cache/uv"
"$python" -m venv .cache/uv
.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" >&2 ||
    fail "pip could not get uv $UV_VERSION. Check the network or the package index setting of pip, or put uv on PATH."
echo "$own"
