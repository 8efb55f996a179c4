#!/usr/bin/env bash
# Checks the Rust toolchain and installs the missing Debian or Ubuntu packages, as root. Without root it prints the
# command to run and exits with 1. It installs what the tests need, or what another purpose needs:
#
#   --demo            the demo
#   --bench           the race
#   --docs            the documentation's site and the examples
#   --package         building the packages
#   --package-test    testing the packages
#   --wine            testing the Windows packages
#
# --packages skips the check of the toolchain, which usually belongs to the user and not to root.
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
        echo "Rust 1.88 or newer is needed; this is $(cargo --version): see https://rustup.rs" >&2
        exit 1
    fi
    if [ -z "$for_demo$for_bench$for_package" ] &&
        ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
        echo 'The tests need rustfmt and clippy: rustup component add rustfmt clippy' >&2
        exit 1
    fi
}

[ -n "$only_packages" ] || check_toolchain

missing=()

# need COMMAND PACKAGE: adds the package if the command is missing.
need() {
    if ! command -v "$1" >/dev/null && [ ! -x "/usr/sbin/$1" ]; then
        missing+=("$2")
    fi
}

# The compiler also needs the C library's development files, which its Debian package only recommends.
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
    # The server and its modules, without the service that the package apache2 would start.
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
    # A test loads OpenSSL and the library into one process.
    if ! printf '#include <openssl/ssl.h>\n' | cc -x c -fsyntax-only - 2>/dev/null; then
        missing+=(libssl-dev)
    fi
    # Opens the HTML report.
    need chromium chromium
    need javac default-jdk-headless
    need mvn maven
fi

if [ -n "$for_package" ]; then
    need objcopy binutils
    need dpkg-deb dpkg
    need javac default-jdk-headless
    need mvn maven
    # For Windows: the compiler, a Rust of known version with the source of its standard library, and zip.
    need x86_64-w64-mingw32-gcc-win32 gcc-mingw-w64-x86-64-win32
    if [ ! -x /usr/bin/rustc ] || [ ! -d /usr/lib/rustlib/src/rust/library/std ]; then
        missing+=(rustc-web rust-web-src)
    fi
    need zip zip
fi
if [ -n "$for_wine" ]; then
    # The variant that has std::thread.
    need x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
    if [ ! -x /usr/lib/wine/wine64 ]; then
        missing+=(wine64)
    fi
fi
if [ -n "$for_package_test" ]; then
    need debootstrap debootstrap
    # Sets up smaller systems, for the Python and Java versions of several releases.
    need mmdebstrap mmdebstrap
fi

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "Some programs are missing. Debian has them in these packages: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Some programs are missing (${missing[*]}). Install them with:" >&2
    echo "    sudo $(realpath "$0") --packages${*:+ $*}" >&2
    exit 1
fi

echo "Installing: ${missing[*]}"
# Debian's server packages start the servers when they are installed. This prevents it.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null
