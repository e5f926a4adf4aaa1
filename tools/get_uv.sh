#!/bin/sh
# Print the path of a uv: the one on PATH, else our own in .cache/uv (made once with python3's pip).
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

say "getting uv $UV_VERSION into .cache/uv"
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv .cache/uv
    pip() { .cache/uv/bin/python -m pip "$@"; }
    target=""
else # Debian's python3 alone has no pip: its wheel comes from Debian's archive, unpacked here, nothing is installed
    mkdir -p .cache/pip/lists/partial .cache/pip/archives/partial
    (
        cd .cache/pip
        apt() {
            apt-get -qq -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD" -o Debug::NoLocking=1 \
                -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
        }
        apt update && apt download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .
    ) >/dev/null 2>&1 || fail "python3-venv is missing, and pip cannot be had from Debian's archive. \
Install it (as root: apt-get install python3-venv) or put uv on PATH, and run again."
    wheel=$(echo "$PWD"/.cache/pip/usr/share/python-wheels/pip-*.whl)
    pip() { PYTHONPATH="$wheel" PIP_ROOT_USER_ACTION=ignore "$python" -m pip "$@"; }
    target="--target=.cache/uv"
fi
# shellcheck disable=SC2086 # no target: no argument
pip install --quiet --disable-pip-version-check $target "uv==$UV_VERSION" >&2 ||
    fail "pip could not get uv $UV_VERSION. Check the network or the package index setting of pip, or put uv on PATH."
rm -rf .cache/pip
echo "$own"
