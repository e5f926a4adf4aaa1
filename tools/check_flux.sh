#!/bin/sh
# Types of the Flux queries in docs/examples/flux and of `energy verify`, by InfluxData's language server from npm, a
# tool for developers. Where npm or the package cannot be had, a line says so and nothing fails; a wrong query fails.
set -eu
cd "$(dirname "$0")/.."
own=.cache/flux
skip() { echo "check-flux: not run, $1"; exit 0; }

command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    skip "Node and npm are missing (Debian: apt-get install npm)"
if ! cmp -s tools/flux/package-lock.json "$own/installed"; then
    rm -rf "$own" && mkdir -p "$own" && cp tools/flux/package.json tools/flux/package-lock.json "$own"
    npm ci --prefix "$own" --ignore-scripts --no-audit --no-fund --silent --fetch-retries=1 --fetch-timeout=60000 \
        </dev/null >/dev/null 2>&1 || skip "npm could not get the package (tools/flux/package-lock.json)"
    cp tools/flux/package-lock.json "$own/installed"
fi
.venv/bin/python -m tools.flux_of_verify >"$own/verify.flux"
node tools/flux/check.cjs "$own" docs/examples/flux/*.flux "$own/verify.flux"
