#!/usr/bin/env bash
# Runs the C and C++ tests of the C ABI with all memory and thread checkers, or with those named.
# `make sanitize` calls it and sets DCS_LIBRARY (the release library) and TESTBED (the program).
#
#   memcheck   valgrind on the release library itself
#   address    AddressSanitizer with leak detection in the library, including the C code of aws-lc, and in the programs,
#              which also have UndefinedBehaviorSanitizer
#   thread     ThreadSanitizer in the library, including Rust's standard library and the C code of aws-lc; 16 threads
#              share a client
#
# address and thread also run two minutes of tests/c/stress.c: 14 threads with calls, reloads, interrupts, forks and log
# callbacks that call back. DCS_STRESS_SECONDS sets another time.
#
# The sanitizers need a nightly Rust toolchain. thread also needs its component rust-src: ThreadSanitizer does not
# recognize a lock that is not instrumented. The programs use AddressSanitizer's runtime from gcc, but ThreadSanitizer's
# from the toolchain, because Rust needs a newer one than gcc 12 has.
# shellcheck disable=SC2030,SC2031 # The subshells keep the parts apart.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(memcheck address thread)
[ $# -eq 0 ] || parts=("$@")
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
triple=$(rustc -vV | sed -n 's/^host: //p')

if [ "${parts[*]}" != memcheck ] && ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'The sanitizers need a nightly Rust toolchain. Install one with:' >&2
    echo '    rustup toolchain install nightly --profile minimal --component rust-src' >&2
    echo 'Without it: make sanitize PARTS=memcheck' >&2
    exit 1
fi

# build SANITIZER OPTION...: builds the library with the sanitizer in a separate folder, aws-lc with its assertions.
build() {
    local name=$1
    shift
    env CARGO_TARGET_DIR="$target/$name-sanitizer" RUSTFLAGS="-Zsanitizer=$name -Cforce-frame-pointers=yes" \
        AWS_LC_SYS_CFLAGS="-fsanitize=$name -fno-omit-frame-pointer" \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo +nightly build --release --locked --lib --target "$triple" "$@"
    export DCS_LIBRARY=$target/$name-sanitizer/$triple/release/libdcs.so
}

# run TEST...: runs tests of tests/integration/c_abi.rs, which compile the programs with DCS_CFLAGS.
run() {
    "$TESTBED" -- cargo test --locked --test integration -- "${@/#/c_abi::}"
}

# stress: runs tests/c/stress.c, for two minutes unless DCS_STRESS_SECONDS says otherwise, and prints what it did.
stress() {
    DCS_STRESS_SECONDS=${DCS_STRESS_SECONDS:-120} "$TESTBED" -- cargo test --locked --test integration -- \
        --nocapture c_abi::stress
}

for part in "${parts[@]}"; do
    echo "== $part"
    case $part in
    memcheck)
        run memcheck
        ;;
    address)
        (
            build address
            export DCS_CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
            export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
            export UBSAN_OPTIONS=print_stacktrace=1
            # valgrind cannot run a program with a sanitizer. The tests of exports and linking need no sanitizer.
            run c_program every_function cpp_program examples_work sixteen_threads
            stress
        )
        ;;
    thread)
        (
            sysroot=$(rustc +nightly --print sysroot)
            if [ ! -e "$sysroot/lib/rustlib/src/rust/library/std" ]; then
                echo 'ThreadSanitizer needs the source of the Rust standard library. Install it with:' >&2
                echo '    rustup component add rust-src --toolchain nightly' >&2
                echo "Without it: make sanitize PARTS='memcheck address'" >&2
                exit 1
            fi
            build thread -Zbuild-std
            runtime=$(echo "$sysroot/lib/rustlib/$triple/lib"/librustc*_rt.tsan.a)
            export DCS_CFLAGS="-Wl,--export-dynamic -Wl,--whole-archive $runtime -Wl,--no-whole-archive -lm -lrt -ldl"
            export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
            run c_program every_function cpp_program sixteen_threads
            stress
            # Concurrent calls from Rust.
            test=(env CARGO_TARGET_DIR="$target/thread-sanitizer"
                RUSTFLAGS='-Zsanitizer=thread -Cforce-frame-pointers=yes'
                AWS_LC_SYS_CFLAGS='-fsanitize=thread -fno-omit-frame-pointer'
                "$TESTBED" -- cargo +nightly test --locked --all-features --target "$triple" -Zbuild-std)
            "${test[@]}" --test cancellation
            "${test[@]}" --test integration -- reload:: rate_limiting:: keep_alive:: timeouts::
        )
        ;;
    *)
        echo "usage: $0 [memcheck] [address] [thread]" >&2
        exit 2
        ;;
    esac
done
echo 'No errors found.'
