#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that the demo (--demo) or the tests need and that are missing.
# As root it installs them; otherwise it prints the one line to run and ends with 1.
set -euo pipefail

for_demo=
if [ "${1:-}" = --demo ]; then
    for_demo=yes
fi

if ! command -v cargo >/dev/null; then
    echo 'A Rust toolchain (cargo, 1.88 or newer) is needed: see https://rustup.rs' >&2
    exit 1
fi

missing=()

# need COMMAND PACKAGE: the package, where the command is not there.
need() {
    if ! command -v "$1" >/dev/null && [ ! -x "/usr/sbin/$1" ]; then
        missing+=("$2")
    fi
}

need cc gcc
need make make
if [ -z "$for_demo" ]; then
    need c++ g++
    need nm binutils
    need nginx nginx-light
    # The server and its modules without the service that the package apache2 would start.
    need apache2 apache2-bin
    need openssl openssl
    need curl curl
    need valgrind valgrind
    need setpriv util-linux
    need python3 python3
    need javac default-jdk-headless
    need mvn maven
    if command -v python3 >/dev/null && ! python3 -c 'import ensurepip' 2>/dev/null; then
        missing+=(python3-venv)
    elif ! command -v python3 >/dev/null; then
        missing+=(python3-venv)
    fi
fi

if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

line="apt-get install -y --no-install-recommends ${missing[*]}"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo 'Some programs are missing. Install them, on Debian or Ubuntu with:' >&2
    echo "    sudo $line" >&2
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
$line >/dev/null
