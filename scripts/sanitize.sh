#!/usr/bin/env bash
# Runs the C and C++ tests of the boundary with memory checkers: all of them, or those named (memcheck, address, thread).
# `make sanitize` calls it, with DCS_LIBRARY (the release library) and TESTBED (the program) set.
#
#   memcheck   valgrind on the release library itself
#   address    AddressSanitizer, with its leak check, in the library (aws-lc's C included) and in the programs, which
#              have UndefinedBehaviorSanitizer too
#   thread     ThreadSanitizer in the library, Rust's standard library and aws-lc's C included: 16 threads share a client
#
# The sanitizers need a nightly Rust toolchain; thread also its component rust-src, because locks whose inside the
# sanitizer does not see look like none. The programs get AddressSanitizer's runtime from gcc and ThreadSanitizer's from
# the toolchain: that of gcc 12 is too old for what Rust asks of it.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(memcheck address thread)
[ $# -eq 0 ] || parts=("$@")
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
triple=$(rustc -vV | sed -n 's/^host: //p')

if [ "${parts[*]}" != memcheck ] && ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'The sanitizers need a nightly Rust toolchain; stable Rust has none. Install one with:' >&2
    echo '    rustup toolchain install nightly --profile minimal --component rust-src' >&2
    echo 'Without it: make sanitize PARTS=memcheck' >&2
    exit 1
fi

# build SANITIZER OPTION...: the library with the sanitizer, in a folder of its own; aws-lc with its assertions.
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

# run TEST...: tests of tests/c_abi.rs, which compile the programs with DCS_CFLAGS.
run() {
    "$TESTBED" -- cargo test --locked --test c_abi -- "$@"
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
            # memcheck cannot run what has a sanitizer, and what is exported and linked is not its matter.
            run a_c_program the_rules a_cpp_program the_examples sixteen_threads
        )
        ;;
    thread)
        (
            sysroot=$(rustc +nightly --print sysroot)
            if [ ! -e "$sysroot/lib/rustlib/src/rust/library/std" ]; then
                echo 'ThreadSanitizer needs the source of the standard library. Install it with:' >&2
                echo '    rustup component add rust-src --toolchain nightly' >&2
                echo "Without it: make sanitize PARTS='memcheck address'" >&2
                exit 1
            fi
            build thread -Zbuild-std
            runtime=$(echo "$sysroot/lib/rustlib/$triple/lib"/librustc*_rt.tsan.a)
            export DCS_CFLAGS="-Wl,--export-dynamic -Wl,--whole-archive $runtime -Wl,--no-whole-archive -lm -lrt -ldl"
            export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
            run a_c_program the_rules a_cpp_program sixteen_threads
            # What threads do to each other's calls, from Rust.
            env CARGO_TARGET_DIR="$target/thread-sanitizer" RUSTFLAGS='-Zsanitizer=thread -Cforce-frame-pointers=yes' \
                AWS_LC_SYS_CFLAGS='-fsanitize=thread -fno-omit-frame-pointer' \
                "$TESTBED" -- cargo +nightly test --locked --all-features --target "$triple" -Zbuild-std \
                --test interrupt --test reload --test pacing --test kept --test waits
        )
        ;;
    *)
        echo "usage: $0 [memcheck] [address] [thread]" >&2
        exit 2
        ;;
    esac
done
echo 'Nothing was found.'
