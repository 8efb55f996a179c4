#!/usr/bin/env bash
# Compiles the contender in Go into $BENCH_DIR/go. Root installs Go if it is missing.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
out=$BENCH_DIR/go
mkdir -p "$out"
rm -f "$out/nethttp"
command -v go >/dev/null || "$source/../install.sh" golang-go
if ! command -v go >/dev/null; then
    echo 'Go is skipped: it is missing (Debian: golang-go)' >&2
    exit 0
fi
# Uses only the standard library, so nothing is downloaded. -buildvcs would need a repository that this user owns.
cd "$source"
GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off go build -buildvcs=false -trimpath -o "$out/nethttp" .
