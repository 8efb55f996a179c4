#!/usr/bin/env bash
# Makes one change at a time to the core (cargo-mutants) and runs the tests that should fail. Lists the surviving
# mutants at the end; target/mutants has the details, and tests/mutants.md the findings.
#
#     mutants.sh [FILE...]    without a file, all of them, which takes hours
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
# Links the C programs with the changed library too.
export DCS_LIBRARY=$target/debug/deps/libdcs.so

# shellcheck source=scripts/cargo_tool.sh
. scripts/cargo_tool.sh
cargo_tool mutants
cargo build --locked -p dcs-testbed

# tests_for FILE: prints the tests of a file, which are modules of tests/integration or binaries of their own. The others
# would find more, but a mutant must not take minutes.
tests_for() {
    case ${1#src/} in
    client.rs | client/snapshot.rs) echo status reload rate_limiting cancellation timeouts fork ;;
    client/retry_after.rs) echo rate_limiting ;;
    client/*.rs) echo status rate_limiting ;;
    config.rs | config/*.rs) echo status files c_abi ;;
    credentials/fork_key.rs | fork_gate.rs) echo fork ;;
    credentials/*.rs) echo files formats ;;
    log.rs) echo log ;;
    panic.rs) echo panics ;;
    response.rs | response/*.rs | status.rs | status/*.rs) echo status odd_responses certificate_errors ;;
    sys/windows.rs | fuzzing.rs | transport/http/played.rs) ;; # for Windows, and for the fuzz targets
    sys.rs | sys/*.rs | transport/socket.rs) echo timeouts cancellation fork ;;
    transport/deadline.rs | transport/dns.rs | transport/happy_eyeballs.rs | transport/cancel.rs)
        echo timeouts cancellation log
        ;;
    transport/tcp.rs | transport/proxy.rs) echo timeouts cancellation ;;
    transport/pool.rs | transport/retry.rs) echo status keep_alive timeouts log fork ;;
    transport/connection.rs | transport/sessions.rs)
        echo keep_alive timeouts cancellation status certificate_errors log
        ;;
    transport/version_hint.rs) echo status ;;
    transport/buffers.rs | transport/http.rs) echo status odd_responses timeouts ;;
    transport/errors.rs | transport/errors/*.rs) echo certificate_errors timeouts status ;;
    transport.rs | transport/*.rs) echo status certificate_errors diagnose reload ;;
    *)
        echo "mutants.sh: no tests are listed for $1" >&2
        exit 2
        ;;
    esac
}

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(cargo mutants --list-files)
fi

# `make test` tests the unchanged tree. A mutant that hangs runs into the timeout.
mutants() {
    # shellcheck disable=SC2086
    "$target/debug/dcs-testbed" -- cargo mutants --baseline=skip --build-timeout 600 --no-shuffle ${MUTANTS_ARGS:-} "$@"
}

missed=0
for file in "${files[@]}"; do
    tests=$(tests_for "$file")
    [ -n "$tests" ] || continue
    out=$target/mutants/${file//\//_}
    rm -rf "$out"
    mkdir -p "$out"
    # First the module's own tests, which build and run quickly; then the others, for the mutants that survived these.
    module=${file#src/}
    module=${module%.rs}
    if grep -q 'cfg(test)' "$file"; then
        mutants --timeout 40 --file "$file" --output "$out" --cargo-arg=--lib -- -- "${module//\//::}::" || true
        # A mutant that timed out would time out again.
        cat "$out/mutants.out/timeout.txt" >>"$out/mutants.out/caught.txt"
    fi
    arguments=(--cargo-arg=--lib)
    modules=()
    for test in $tests; do
        case $test in
        # Before `--`: behind it they would only select what is run, and cargo would build all tests.
        cancellation | log) arguments+=(--cargo-arg=--test="$test") ;;
        *) modules+=("$test::") ;;
        esac
    done
    # Slow by design: key derivation from passwords, and tests under load.
    slow=(--skip dek_info:: --skip pkcs12:: --skip diagnose::)
    under_load=(--skip fork_during_calls --skip sixteen_threads)
    survived=0
    mutants --timeout 120 --iterate --file "$file" --output "$out" "${arguments[@]}" -- -- "${slow[@]}" || survived=1
    if [ ${#modules[@]} -gt 0 ]; then
        survived=0
        mutants --timeout 120 --iterate --file "$file" --output "$out" --cargo-arg=--test=integration \
            -- -- "${modules[@]}" "${under_load[@]}" || survived=1
    fi
    [ $survived = 0 ] || missed=1
done

echo
echo 'Surviving mutants:'
cat "$target"/mutants/*/mutants.out/missed.txt 2>/dev/null || true
exit $missed
