#!/usr/bin/env bash
# How much of src the Rust tests run through, by line and by region, as a table; tests/coverage.md says what is left and
# why. With --missing also the lines that are not covered; with --html a report in target/coverage/html.
# The C and C++ programs of the tests count: they are linked with a library that counts, too.
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
# The tools that read the counters have to be of the compiler's LLVM.
if [ -z "${LLVM_COV:-}" ] && command -v rustup >/dev/null; then
    rustup component add llvm-tools >/dev/null 2>&1 || {
        echo 'coverage.sh: rustup has no llvm-tools; set LLVM_COV and LLVM_PROFDATA to those of the LLVM that' \
            '`rustc -vV` names' >&2
        exit 1
    }
fi

# A folder of its own: what counts must not be taken for what does not.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/coverage
settings=$(cargo llvm-cov show-env --sh 2>/dev/null)
eval "$settings"
# What an earlier state of the source was built to would be counted too.
cargo llvm-cov clean --workspace
cargo build --locked -p dcs-testbed
cargo test --all-features --locked --no-run "$@"
# The very library that the tests in Rust are linked with: of two, the counters could not be added up.
export DCS_LIBRARY=$CARGO_TARGET_DIR/debug/deps/libdcs.so
# Left out: what is about the release library alone, or about memory and instructions, of which counters take some; and
# memcheck, which would take an hour.
left_out=(no_path_costs_a_tenth_more_instructions_than_expected memcheck_finds_no_leak_and_no_fault
    no_assertion_of_c_code_is_in_the_library the_release_library_cannot_be_asked_to_panic a_small_stack_is_enough
    the_environment_is_left_alone calls_leave_nothing_behind)
failed=
"$CARGO_TARGET_DIR/debug/dcs-testbed" -- cargo test --all-features --locked --no-fail-fast "$@" -- \
    "${left_out[@]/#/--skip=}" || failed=1
# Of processes whose environment is empty.
rm -f default_*.profraw

report=(cargo llvm-cov report --ignore-filename-regex '/tests/|/benches/|/registry/|/rustc/')
case $show in
--html) "${report[@]}" --html --output-dir "$CARGO_TARGET_DIR" ;;
--missing) "${report[@]}" --show-missing-lines ;;
*) "${report[@]}" --summary-only ;;
esac
if [ -n "$failed" ]; then
    echo 'coverage.sh: tests failed, see above: what they would have run through is missing in these numbers' >&2
    exit 1
fi
