#!/usr/bin/env bash
# Changes the core at one place after the other (cargo-mutants) and runs the tests that ought to notice. What no test
# notices is listed at the end, and in full in target/mutants.
# usage: mutants.sh [FILE ...]; without a file all of them, which takes hours. tests/mutants.md tells what was found.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
# The C programs are linked with the library as it is changed, too.
export DCS_LIBRARY=$target/debug/deps/libdcs.so

# shellcheck source=scripts/cargo_tool.sh
. scripts/cargo_tool.sh
cargo_tool mutants
cargo build --locked -p dcs-testbed

# The tests that go with a file. The others would notice more, but a mutant must not take minutes.
tests_for() {
    case ${1#src/} in
    transport/deadline.rs | transport/dns.rs | transport/eyeballs.rs | transport/interrupt.rs) echo waits interrupt log ;;
    transport/tcp.rs | transport/proxy.rs) echo waits interrupt ;;
    transport/ready.rs | transport/socket.rs | transport/socket/*.rs) echo waits interrupt fork ;;
    transport/pool.rs) echo status kept waits log fork ;;
    transport/connection.rs | transport/sessions.rs) echo kept waits interrupt status rejections log ;;
    transport/spoken.rs) echo status ;;
    transport/http.rs) echo status answers waits ;;
    transport/failure.rs) echo rejections waits status ;;
    loaded.rs | fuzzing.rs | transport/http/played.rs) ;; # for Windows, and for the fuzz targets
    transport/tls.rs | transport/p521.rs | transport/trial.rs | transport.rs) echo status rejections diagnose reload ;;
    client/pacing.rs) echo pacing ;;
    client.rs | client/generation.rs) echo status reload pacing interrupt waits fork ;;
    status.rs | status/*.rs | rejection.rs) echo status answers rejections ;;
    fork_gate.rs | credentials/masked_key.rs) echo fork ;;
    contain.rs) echo panics ;;
    log.rs) echo log ;;
    config.rs | config/*.rs) echo status files c_abi ;;
    credentials/*.rs) echo files formats ;;
    *)
        echo "mutants.sh: no tests are named for $1" >&2
        exit 2
        ;;
    esac
}

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(cargo mutants --list-files)
fi

# The tree without changes is tested by `make test`. A mutant that hangs is noticed by the limit.
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
    # First the module's own tests, which are built and run in a moment; then the others, for what these did not notice.
    module=${file#src/}
    module=${module%.rs}
    if grep -q 'cfg(test)' "$file"; then
        mutants --timeout 40 --file "$file" --output "$out" --cargo-arg=--lib -- -- "${module//\//::}::" || true
        # One that hangs would hang again.
        cat "$out/mutants.out/timeout.txt" >>"$out/mutants.out/caught.txt"
    fi
    arguments=(--cargo-arg=--lib)
    for test in $tests; do
        # Not behind `--`, where they would be for running alone and all tests would be built.
        arguments+=(--cargo-arg=--test="$test")
    done
    # Slow by design: deriving keys from passwords, and tests under load.
    skips=(--skip dek_info:: --skip pkcs12:: --skip diagnose:: --skip a_fork_may_find --skip sixteen_threads)
    mutants --timeout 120 --iterate --file "$file" --output "$out" "${arguments[@]}" -- -- "${skips[@]}" || missed=1
done

echo
echo 'What no test noticed:'
cat "$target"/mutants/*/mutants.out/missed.txt 2>/dev/null || true
exit $missed
