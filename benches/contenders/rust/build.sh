#!/usr/bin/env bash
# Builds the contenders in Rust with the library's optimisations into $BENCH_DIR/rust.
set -euo pipefail
cd "$(dirname "$0")/../../.."
out=$BENCH_DIR/rust
mkdir -p "$out"
# In a separate folder: cargo would replace the library by one without link-time optimisation.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/contenders
# A program's file name has a hash, which cargo prints in its messages.
"${CARGO:-cargo}" bench --locked --no-run --bench contender-floor --bench contender-libdcs --message-format=json \
    >"$out/messages.json"
for name in floor libdcs; do
    program=$(sed -n "s/.*\"executable\":\"\([^\"]*contender_${name}[^\"]*\)\".*/\1/p" "$out/messages.json")
    cp -f "$program" "$out/$name"
done
