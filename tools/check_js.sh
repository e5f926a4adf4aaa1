#!/bin/sh
# Types of the crew app's JavaScript, by TypeScript from npm (tools/js), a tool for developers: users need no Node.
# Where npm or the package cannot be had, a line says so and nothing fails; a type error fails.
set -eu
cd "$(dirname "$0")/.."
own=.cache/js
skip() { echo "check-js: not run, $1"; exit 0; }

command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
    skip "Node and npm are missing (Debian: apt-get install npm)"
if ! cmp -s tools/js/package-lock.json "$own/installed"; then
    rm -rf "$own" && mkdir -p "$own" && cp tools/js/package.json tools/js/package-lock.json "$own"
    npm ci --prefix "$own" --ignore-scripts --no-audit --no-fund --silent --fetch-retries=1 --fetch-timeout=60000 \
        </dev/null >/dev/null 2>&1 || skip "npm could not get TypeScript (tools/js/package-lock.json)"
    cp tools/js/package-lock.json "$own/installed"
fi
"$own/node_modules/.bin/tsc" -p tools/js
echo "check-js: $(ls supervisor/static/*.js | wc -l) files of supervisor/static, no error"
