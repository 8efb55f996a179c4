#!/usr/bin/env bash
# Demonstrates the library on the sandbox: the status call from C, Python and Java, the three documented errors with
# the library's message for each, and the diagnosis of a broken setup.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/sandbox.sh
. scripts/sandbox.sh

target=${CARGO_TARGET_DIR:-$PWD/target}
release=$target/release
work=$target/demo
cargo=${CARGO:-cargo}
python=${PYTHON:-python3}
mvn=${MVN:-mvn}
bold=; plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\033[1m'; plain=$'\033[0m'
fi

title() {
    printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

rm -rf "$work"
mkdir -p "$work"

title 'Building the library and the command'
"$cargo" rustc --release --locked --lib --crate-type cdylib,staticlib
"$cargo" build --release --locked -p dcs-cli
ln -sf libdcs.so "$release/libdcs.so.0"

title 'Starting the sandbox'
start_sandbox "$work/sandbox" "$release/dcs"
files=$work/sandbox/files
echo "It listens at $DCS_URL, with test certificates in $files."

skipped=()

title 'C'
cc -std=c99 -Wall -Wextra -o "$work/status" examples/status.c -Iinclude -L"$release" -ldcs "-Wl,-rpath,$release"
"$work/status"

title 'Python'
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null &&
    "$python" -m venv "$work/venv" >/dev/null 2>&1; then
    LIBDCS_PREBUILT=$release/libdcs.so "$work/venv/bin/pip" install --quiet ./bindings/python
    "$work/venv/bin/python" examples/status.py
else
    skipped+=('Python (no python3 3.9 or newer with venv)')
    echo 'skipped: this machine has no python3 3.9 or newer with venv'
fi

title 'Java'
if command -v "$mvn" >/dev/null && command -v javac >/dev/null; then
    # Some versions of Maven end with a terminal code on both streams, whatever the settings.
    scripts/maven.sh --file bindings/java -Dlibdcs.prebuilt="$release/libdcs.so" -DskipITs \
        package dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/jars" 2>&1 |
        sed 's/\x1b\[[0-9;]*m//g'
    cp bindings/java/target/libdcs-*.jar "$work/jars"
    java -cp "$work/jars/*" examples/Status.java
else
    skipped+=('Java (no JDK with Maven)')
    echo 'skipped: this machine has no JDK with Maven'
fi

# documented MESSAGE: runs the C program, which must fail, and shows the library's message.
documented() {
    title "The documented message: $1"
    if "$work/status"; then
        echo 'The call should have failed.' >&2
        exit 1
    fi
}

DCS_CERTIFICATE='' DCS_PRIVATE_KEY='' documented 'No required SSL certificate was sent'
DCS_CERTIFICATE=$files/expired-client.pem DCS_PRIVATE_KEY=$files/client.key \
    documented 'SSL certificate error'
DCS_CA_BUNDLE=$files/wrong-ca-bundle.pem \
    documented 'SSL certificate problem: unable to get local issuer certificate'

title 'Diagnosis of a setup with two faults'
cp "$files/client.key" "$work/client.key"
chmod 644 "$work/client.key"
echo '$ dcs diagnose'
DCS_CERTIFICATE=$files/expired-client.pem DCS_PRIVATE_KEY=$work/client.key \
    "$release/dcs" diagnose --html "$work/report.html" && {
    echo 'The diagnosis should have found an error.' >&2
    exit 1
}
echo "The same report as a web page: $work/report.html"

title 'Done'
echo 'To try it, start the sandbox and paste the settings that it prints into another shell:'
echo "    $release/dcs sandbox --dir ~/dcs-sandbox --port 8443"
echo "To use your own files, set DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE and DCS_PRIVATE_KEY, and run"
echo "    $work/status"
echo "or, to run every check on them, $release/dcs diagnose"
for language in "${skipped[@]}"; do
    echo "Skipped: $language"
done
