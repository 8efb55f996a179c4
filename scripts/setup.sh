#!/usr/bin/env bash
# Checks the Rust toolchain and installs the Debian or Ubuntu packages that are missing for the tests, or
# with --demo for the demo, with --bench for the race, with --package for the artefacts, with --package-test for
# trying these, with --wine for trying those for Windows, with --docs for the documentation's site and
# the examples. As root it installs them; otherwise it prints the one line to run and ends with 1.
# With --packages the toolchain, which is usually the user's own and not root's, is left out.
set -euo pipefail

for_demo=
for_bench=
for_docs=
for_package=
for_package_test=
for_wine=
only_packages=
for argument in "$@"; do
    case $argument in
    --demo) for_demo=yes ;;
    --bench) for_bench=yes ;;
    --docs) for_docs=yes ;;
    --package) for_package=yes ;;
    --package-test) for_package_test=yes for_package=yes ;;
    --wine) for_wine=yes for_package=yes ;;
    --packages) only_packages=yes ;;
    *)
        echo "usage: $0 [--demo | --bench | --package | --package-test | --wine | --docs] [--packages]" >&2
        exit 2
        ;;
    esac
done

check_toolchain() {
    if ! command -v cargo >/dev/null; then
        echo 'A Rust toolchain (cargo, 1.88 or newer) is needed: see https://rustup.rs' >&2
        exit 1
    fi
    local minor
    minor=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    if [ -n "$minor" ] && [ "$minor" -lt 88 ]; then
        echo "Rust 1.88 or newer is needed, and this is $(cargo --version): see https://rustup.rs" >&2
        exit 1
    fi
    if [ -z "$for_demo$for_bench$for_package" ] && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
        echo 'The tests need rustfmt and clippy: rustup component add rustfmt clippy' >&2
        exit 1
    fi
}

[ -n "$only_packages" ] || check_toolchain

missing=()

# need COMMAND PACKAGE: the package, where the command is not there.
need() {
    if ! command -v "$1" >/dev/null && [ ! -x "/usr/sbin/$1" ]; then
        missing+=("$2")
    fi
}

# A compiler without the C library's development files, which Debian only recommends with it, is of no use.
if ! printf '#include <stdio.h>\nint main(void) { return 0; }\n' | cc -x c -o /dev/null - 2>/dev/null; then
    missing+=(gcc libc6-dev)
fi
need make make
if [ -n "$for_docs" ]; then
    need doxygen doxygen
    need cmake cmake
fi
if [ -z "$for_demo$for_package" ]; then
    need nginx nginx-light
    # The server and its modules without the service that the package apache2 would start.
    need apache2 apache2-bin
    need haproxy haproxy
    need openssl openssl
fi
if [ -z "$for_demo" ]; then
    need python3 python3
    if ! python3 -c 'import ensurepip' 2>/dev/null; then
        missing+=(python3-venv)
    fi
fi
if [ -n "$for_bench" ]; then
    need strace strace
fi
if [ -z "$for_demo$for_bench$for_package" ]; then
    need c++ g++
    need nm binutils
    # Dumps and compares the ABI.
    need abidiff abigail-tools
    need curl curl
    need valgrind valgrind
    need setpriv util-linux
    # A test has OpenSSL beside the library in one process.
    if ! printf '#include <openssl/ssl.h>\n' | cc -x c -fsyntax-only - 2>/dev/null; then
        missing+=(libssl-dev)
    fi
    # Opens the report that is made for a browser.
    need chromium chromium
    need javac default-jdk-headless
    need mvn maven
fi

if [ -n "$for_package" ]; then
    need objcopy binutils
    need dpkg-deb dpkg
    need javac default-jdk-headless
    need mvn maven
    # For Windows: the compiler, a Rust of a known version with the source of its standard library, and zip.
    need x86_64-w64-mingw32-gcc-win32 gcc-mingw-w64-x86-64-win32
    if [ ! -x /usr/bin/rustc ] || [ ! -d /usr/lib/rustlib/src/rust/library/std ]; then
        missing+=(rustc-web rust-web-src)
    fi
    need zip zip
fi
if [ -n "$for_wine" ]; then
    # The one with std::thread.
    need x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
    if [ ! -x /usr/lib/wine/wine64 ]; then
        missing+=(wine64)
    fi
fi
if [ -n "$for_package_test" ]; then
    need debootstrap debootstrap
    # The same without what a system starts with, for the Pythons and Javas of several releases.
    need mmdebstrap mmdebstrap
fi

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "Some programs are missing. On Debian they are in the packages: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Some programs are missing (${missing[*]}). Install them with:" >&2
    for_what=${for_demo:+ --demo}${for_bench:+ --bench}${for_package:+ --package}${for_package_test:+-test}${for_wine:+ --wine}${for_docs:+ --docs}
    echo "    sudo $(realpath "$0") --packages$for_what" >&2
    exit 1
fi

echo "Installing: ${missing[*]}"
# Packages of servers start them when they are installed; nobody asked for that here.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null
