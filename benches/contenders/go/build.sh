#!/usr/bin/env bash
# Compiles the contender in Go into $BENCH_DIR/go. Go itself is installed as root where it is missing.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
out=$BENCH_DIR/go
mkdir -p "$out"
rm -f "$out/nethttp"
if ! command -v go >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y --no-install-recommends golang-go; } >/dev/null || true
fi
if ! command -v go >/dev/null; then
    echo 'Go is left out: it is missing (Debian: golang-go)' >&2
    exit 0
fi
# Only the standard library is used, so nothing is fetched. -buildvcs wants a repository that this user owns.
cd "$source"
GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off go build -buildvcs=false -trimpath -o "$out/nethttp" .
