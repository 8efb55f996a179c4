#!/usr/bin/env bash
# Measures which lines and regions of the library and of dcs the Rust tests run, and prints a table. tests/coverage.md
# explains what is left. --missing also lists the lines that are not covered; --html writes a report into target/coverage/html.
# The tests' C and C++ programs count too: they are linked with an instrumented library.
set -euo pipefail
cd "$(dirname "$0")/.."

usage="usage: $0 [--missing | --html] [ARGUMENT OF CARGO TEST ...]"
show=--summary
case ${1:-} in
--missing | --html) show=$1 && shift ;;
-h | --help) echo "$usage" && exit ;;
esac

# shellcheck source=scripts/cargo_tool.sh
. scripts/cargo_tool.sh
cargo_tool llvm-cov
# The tools that read the counters must come from the compiler's version of LLVM.
if [ -z "${LLVM_COV:-}" ] && command -v rustup >/dev/null; then
    rustup component add llvm-tools >/dev/null 2>&1 || {
        echo 'coverage.sh: rustup cannot install llvm-tools. Set LLVM_COV and LLVM_PROFDATA to the tools of the' \
            'LLVM version that rustc -vV prints.' >&2
        exit 1
    }
fi

# A separate folder keeps instrumented builds apart from the others.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/coverage
settings=$(cargo llvm-cov show-env --sh 2>/dev/null)
eval "$settings"
# Builds of an earlier state of the source would be counted too.
cargo llvm-cov clean --workspace
cargo build --locked -p dcs-testbed
cargo test --workspace --all-features --locked --no-run "$@"
# The library that the Rust tests link with: the counters of two libraries could not be added up.
export DCS_LIBRARY=$CARGO_TARGET_DIR/debug/deps/libdcs.so
# Skips the tests of the release library alone, those of memory and instructions, of which the counters use some, and
# memcheck, which would take an hour.
skipped=(no_path_costs_a_tenth_more_instructions_than_expected memcheck_finds_no_leak_and_no_fault
    no_assertion_of_c_code_is_in_the_library the_release_library_cannot_be_asked_to_panic a_small_stack_is_enough
    the_environment_is_left_alone calls_leave_nothing_behind)
failed=
"$CARGO_TARGET_DIR/debug/dcs-testbed" -- cargo test --workspace --all-features --locked --no-fail-fast \
    "$@" -- "${skipped[@]/#/--skip=}" || failed=1
# Written by processes with an empty environment.
rm -f default_*.profraw

report=(cargo llvm-cov report --ignore-filename-regex '/tests/|/benches/|/registry/|/rustc/')
case $show in
--html) "${report[@]}" --html --output-dir "$CARGO_TARGET_DIR" ;;
--missing) "${report[@]}" --show-missing-lines ;;
*) "${report[@]}" --summary-only ;;
esac
if [ -n "$failed" ]; then
    echo 'coverage.sh: tests failed, see above; the numbers lack the lines that these tests would have run' >&2
    exit 1
fi
