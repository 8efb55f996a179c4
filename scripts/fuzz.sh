#!/usr/bin/env bash
# Runs all fuzz targets, or those named, one after the other, each for FUZZ_SECONDS (default 600). `make fuzz` calls it.
#
# A target starts from its seeds and from the corpus of earlier runs in target/fuzz/corpus. Inputs that crash, hang or
# use too much memory are kept in target/fuzz/artifacts, and the script exits with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(loader diagnosis answer flight status abi)
[ $# -eq 0 ] || targets=("$@")
seconds=${FUZZ_SECONDS:-600}
out=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'make fuzz needs a nightly Rust toolchain: stable Rust has neither the sanitizer nor the coverage that' >&2
    echo 'guides the fuzzer. Install one with: rustup toolchain install nightly --profile minimal' >&2
    exit 1
fi
# The fuzzer itself is C++.
for program in cc c++; do
    if ! command -v $program >/dev/null; then
        echo "make fuzz needs $program (on Debian: apt-get install g++)" >&2
        exit 1
    fi
done
# shellcheck source=scripts/cargo_tool.sh
. scripts/cargo_tool.sh
cargo_tool fuzz

# Builds aws-lc with its assertions, which .cargo/config.toml leaves out.
export AWS_LC_SYS_CFLAGS=-g
cargo +nightly fuzz build --target-dir "$out"

failed=()
for target in "${targets[@]}"; do
    seeds=$target
    [ "$target" != diagnosis ] || seeds=loader
    longest=8192
    # What rustls takes of a server's certificates.
    [ "$target" != flight ] || longest=65535
    options=(-max_total_time="$seconds" -timeout=25 -rss_limit_mb=1024 -malloc_limit_mb=256 -max_len=$longest
        -print_final_stats=1)
    [ ! -f "fuzz/dictionaries/$seeds" ] || options+=(-dict="fuzz/dictionaries/$seeds")
    mkdir -p "$out/corpus/$target" "$out/artifacts/$target"
    echo "== $target for $seconds s, log in $out/$target.log"
    if ! cargo +nightly fuzz run --target-dir "$out" "$target" "$out/corpus/$target" "fuzz/seeds/$seeds" -- \
        -artifact_prefix="$out/artifacts/$target/" "${options[@]}" >"$out/$target.log" 2>&1; then
        failed+=("$target")
        grep -a -m 5 -E 'panicked|ERROR|SUMMARY|Test unit written' "$out/$target.log" || tail -n 5 "$out/$target.log"
    fi
    grep -a 'stat::' "$out/$target.log" || true
done

if [ ${#failed[@]} -gt 0 ]; then
    echo "Failed: ${failed[*]}." >&2
    echo "Minimize a file in $out/artifacts with: cargo +nightly fuzz tmin TARGET FILE" >&2
    echo 'and keep it as tests/cases/TARGET/WHAT-IS-WRONG, which tests/fuzz_cases.rs runs through the public API.' >&2
    exit 1
fi
echo 'No failures found.'
