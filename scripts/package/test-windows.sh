#!/usr/bin/env bash
# Runs what windows.sh has built, and the Rust tests as Windows programs, under Wine, against the testbed's servers on
# this side. TESTBED is the built dcs-testbed. With arguments only these parts: c-abi, rust.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

parts=${*:-c-abi rust}
testbed=${TESTBED:-$target/debug/dcs-testbed}
wine=$root/scripts/package/wine.sh

scripts/setup.sh --wine
"$wine" --prepare
trap '"$wine" --end' EXIT

if [[ " $parts " == *' c-abi '* ]]; then
    # The C and C++ programs with the DLL, through the same test as on Linux. Left out is what is about Linux:
    # - valgrind runs no Windows programs;
    # - exports, protections and imports are looked at by check-windows.sh, with the tools for this kind of file;
    # - there is no static library for Windows.
    export DCS_LIBRARY=$target/package/windows/bin/dcs.dll DCS_RUNNER=$wine
    "$testbed" -- "$cargo" test --all-features --locked --test c_abi -- \
        --skip memcheck_finds_no_leak_and_no_fault \
        --skip the_library_exports_what_the_header_declares_and_nothing_else \
        --skip soname_and_link_options \
        --skip no_assertion_of_c_code_is_in_the_library \
        --skip the_static_library_links_too
fi

if [[ " $parts " == *' rust '* ]]; then
    # shellcheck source=scripts/package/mingw.sh
    . scripts/package/mingw.sh
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine
    # Left out are the tests that start openssl, valgrind or a shell beside the client (convert, diagnose, formats,
    # guest, html_report, loader_properties, panics, secrets), that are about Linux (fork, signals, slow_dns, torture,
    # leaks, instructions), that are about the source and not the platform (fuzz_cases, header), and that c-abi runs.
    tests=(answers files hostile hostile_tls interrupt kept log pacing rejections reload status sweep waits)
    # Of the unit tests those that compare with openssl.
    "$testbed" -- "$cargo" test --locked -Z build-std --target "$triple" --lib -- \
        --skip credentials::dek_info --skip credentials::pkcs12 --skip credentials::pkcs7 --skip credentials::pkcs8
    "$testbed" -- "$cargo" test --locked -Z build-std --target "$triple" --no-fail-fast "${tests[@]/#/--test=}"
fi
