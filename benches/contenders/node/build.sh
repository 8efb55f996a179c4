#!/usr/bin/env bash
# Node.js runs its contenders from source; this links it to $BENCH_DIR/node/node. Root installs it if it is missing.
set -euo pipefail
out=$BENCH_DIR/node
mkdir -p "$out"
rm -f "$out/node"
command -v node >/dev/null || "$(dirname "$0")/../install.sh" nodejs
if ! program=$(command -v node); then
    echo 'Node.js is skipped: it is missing (Debian: nodejs)' >&2
    exit 0
fi
ln -s "$program" "$out/node"
