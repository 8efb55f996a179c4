#!/usr/bin/env bash
# Runs the C and C++ tests of the boundary with memory checkers: all of them, or those named (memcheck, address, thread).
# `make sanitize` calls it, with DCS_LIBRARY (the release library) and TESTBED (the program) set.
#
#   memcheck   valgrind on the release library itself
#   address    AddressSanitizer, with its leak check, in the library (aws-lc's C included) and in the programs, which
#              have UndefinedBehaviorSanitizer too
#   thread     ThreadSanitizer in the same places
#
# The sanitizers need a nightly Rust toolchain and gcc's runtimes (libasan, libubsan, libtsan), which come with gcc.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(memcheck address thread)
[ $# -eq 0 ] || parts=("$@")
target=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR=$target
triple=$(rustc -vV | sed -n 's/^host: //p')

require_nightly() {
    if ! cargo +nightly --version >/dev/null 2>&1; then
        echo 'The sanitizers need a nightly Rust toolchain; stable Rust has none. Install one with:' >&2
        echo '    rustup toolchain install nightly --profile minimal --component rust-src' >&2
        exit 1
    fi
}

# build NAME: the library with the sanitizer of that name, in a folder of its own.
build() {
    require_nightly
    local flags="-Zsanitizer=$1 -Cforce-frame-pointers=yes" std=()
    if [ -e "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library/std" ]; then
        std=(-Zbuild-std)
    else
        # Rust's standard library as it comes, which the sanitizer cannot look into.
        flags+=' -Cunsafe-allow-abi-mismatch=sanitizer'
    fi
    env CARGO_TARGET_DIR="$target/$1-sanitizer" RUSTFLAGS="$flags" \
        "CFLAGS_${triple//-/_}=-fsanitize=$1 -fno-omit-frame-pointer" \
        CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo +nightly build --release --locked --lib --target "$triple" "${std[@]}"
    DCS_LIBRARY=$target/$1-sanitizer/$triple/release/libdcs.so
    export DCS_LIBRARY
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
            build thread
            export DCS_CFLAGS='-fsanitize=thread -fno-omit-frame-pointer'
            export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/scripts/tsan.supp"
            run a_c_program the_rules a_cpp_program sixteen_threads
        )
        ;;
    *)
        echo "usage: $0 [memcheck] [address] [thread]" >&2
        exit 2
        ;;
    esac
done
echo 'Nothing was found.'
