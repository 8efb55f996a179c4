#!/usr/bin/env bash
# Builds the contenders in Rust, optimised as the library is, into $BENCH_DIR/rust.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=$BENCH_DIR/rust
mkdir -p "$out"
# In a folder of their own: cargo would put a libdcs.so without link-time optimisation in the library's place.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/contenders
# A program's file has a hash in its name, which cargo tells in its messages.
"${CARGO:-cargo}" bench --locked --no-run --bench contender-floor --bench contender-libdcs --message-format=json \
    >"$out/messages.json"
for name in floor libdcs; do
    program=$(sed -n "s/.*\"executable\":\"\([^\"]*contender_$name[^\"]*\)\".*/\1/p" "$out/messages.json")
    cp -f "$program" "$out/$name"
done
