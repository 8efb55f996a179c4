#!/usr/bin/env bash
# Compiles the contenders in C into $BENCH_DIR/c. libcurl needs its development files for OpenSSL, which root installs if
# they are missing.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$source/../../.." && pwd)
out=$BENCH_DIR/c
library=${DCS_LIBRARY:-$root/target/release/libdcs.so}
mkdir -p "$out"

compile() {
    cc -std=c11 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Werror -pthread -o "$out/$1" \
        "$source/$1_.c" "$source/contender.c" "${@:2}"
}

compile libdcs -I"$root/include" "$library" -Wl,-rpath,"$(dirname "$library")"

rm -f "$out/libcurl"
if ! { printf '#include <curl/curl.h>\n#include <openssl/ssl.h>\n' | cc -E -o /dev/null - &&
    curl-config --ssl-backends | grep -qi openssl; } >/dev/null 2>&1; then
    "$root/benches/contenders/install.sh" libcurl4-openssl-dev libssl-dev
fi
if ! printf '#include <curl/curl.h>\n#include <openssl/ssl.h>\n' | cc -E -o /dev/null - 2>/dev/null; then
    echo 'libcurl is skipped: its development files are missing (Debian: libcurl4-openssl-dev libssl-dev)' >&2
    exit 0
fi
# shellcheck disable=SC2046
compile libcurl $(curl-config --cflags --libs) -lssl -lcrypto
