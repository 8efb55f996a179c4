#!/usr/bin/env bash
# Runs the build of windows.sh, and the Rust tests as Windows programs, under Wine against the testbed's servers on
# Linux. TESTBED is the built dcs-testbed. Arguments select parts: c-abi, rust.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

parts=${*:-c-abi rust}
testbed=${TESTBED:-$target/debug/dcs-testbed}
wine=$root/scripts/package/wine.sh

scripts/setup.sh --wine
"$wine" --prepare
trap '"$wine" --end' EXIT

if [[ " $parts " == *' c-abi '* ]]; then
    # The C and C++ programs with the DLL, in the same tests as on Linux. Skips what applies to Linux only:
    # - valgrind runs no Windows programs;
    # - check-windows.sh checks exports, protections and imports with the tools for this kind of file;
    # - there is no static library for Windows;
    # - the stress forks.
    export DCS_LIBRARY=$target/package/windows/bin/dcs.dll DCS_RUNNER=$wine
    "$testbed" -- "$cargo" test --all-features --locked --test integration -- c_abi:: \
        --skip memcheck_finds_no_leak_and_no_fault \
        --skip library_exports_only_what_the_header_declares \
        --skip soname_and_link_options \
        --skip library_contains_no_c_assertions \
        --skip c_code_is_compiled_with_checks \
        --skip static_library_links \
        --skip stress_of_fourteen_threads_ends_well
fi

if [[ " $parts " == *' rust '* ]]; then
    # shellcheck source=scripts/package/mingw.sh
    . scripts/package/mingw.sh
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine
    # Skips the modules that tests/integration/main.rs compiles for Unix only, the signals, and the tests of the source
    # and not the platform (fuzz_cases, generated).
    tests=(cancellation integration log)
    # Also skips the unit tests that compare with openssl.
    "$testbed" -- "$cargo" test --locked -Z build-std --target "$triple" --lib -- \
        --skip credentials::dek_info --skip credentials::pkcs12 --skip credentials::pkcs7 --skip credentials::pkcs8
    "$testbed" -- "$cargo" test --locked -Z build-std --target "$triple" --no-fail-fast "${tests[@]/#/--test=}"
fi
