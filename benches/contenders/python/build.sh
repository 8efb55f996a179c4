#!/usr/bin/env bash
# Creates an environment with the contenders in Python and the wheel of libdcs, as a user would, in $BENCH_DIR/python.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$source/../../.." && pwd)
out=$BENCH_DIR/python
export LIBDCS_PREBUILT=${DCS_LIBRARY:-$root/target/release/libdcs.so}
mkdir -p "$out"

# Replaces an environment of a failed build or of another Python.
if ! "$out/venv/bin/python" -m pip --version >/dev/null 2>&1; then
    "${PYTHON:-python3}" -m venv --clear "$out/venv"
fi
pip=("$out/venv/bin/python" -m pip --quiet --disable-pip-version-check)
"${pip[@]}" install --requirement "$source/requirements.txt"

# Every time, because the library may change without its version.
rm -rf "$out/wheels"
"${pip[@]}" wheel --no-deps --wheel-dir "$out/wheels" "$root/bindings/python"
"${pip[@]}" install --no-deps --force-reinstall "$out"/wheels/*.whl
