#!/usr/bin/env bash
# Node runs its contenders as they are; this finds it, as root installs it, and puts it at $BENCH_DIR/node/node.
set -euo pipefail
out=$BENCH_DIR/node
mkdir -p "$out"
rm -f "$out/node"
if ! command -v node >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y --no-install-recommends nodejs; } >/dev/null || true
fi
if ! program=$(command -v node); then
    echo 'Node.js is left out: it is missing (Debian: nodejs)' >&2
    exit 0
fi
ln -s "$program" "$out/node"
