#!/usr/bin/env bash
# Runs the Python tests with the packaged wheel in every Python 3.9 or newer of this machine and, as root, of other
# Debian releases: CPython with and without the GIL, and PyPy.
#
#     TESTBED=/path/to/dcs-testbed python-versions.sh [PYTHON...]
#
# PYTHON is an interpreter to use instead of all these, such as /opt/python3.14t/bin/python3. "systems" stands for those
# of the other releases.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/../package/common.sh"
# shellcheck source=scripts/test-packages/systems.sh
. scripts/test-packages/systems.sh

[ -n "${TESTBED:-}" ] || fail 'TESTBED does not name the program dcs-testbed: run make test-python-versions'
wheel=$dist/libdcs-$version-py3-none-manylinux2014_x86_64.whl
[ -e "$wheel" ] || fail "${wheel#"$root/"} is missing: run make package-python"
work=$target/python-versions
mkdir -p "$work"
passed=0
failed=()

describe='import platform, sys, sysconfig
print(platform.python_implementation(), platform.python_version(),
      "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")'
usable='import sys, ensurepip; sys.exit(sys.version_info < (3, 9))'

# run_tests NAME PYTHON [WITHIN...]: WITHIN is the command that runs another one in its system.
run_tests() {
    local name=$1 interpreter=$2 within=("${@:3}") venv=$work/$1 log=$work/$1.log what short
    what=$("${within[@]}" "$interpreter" -c "$describe" 2>"$log")
    short=$("${within[@]}" "$interpreter" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>>"$log")
    # Downloaded here, because the other systems cannot reach the registry. All packages are pure Python. pip resolves
    # version markers for its own Python, so the packages that only older ones need are named.
    "$python" -m pip download --quiet --disable-pip-version-check --dest "$work/wheels-$short" --only-binary :all: \
        --python-version "$short" --implementation py --abi none --platform any \
        pytest gunicorn exceptiongroup tomli typing-extensions
    rm -rf "$venv"
    # All tests but those that build the wheel. Each interpreter has its own servers.
    if {
        "${within[@]}" "$interpreter" -m venv "$venv" &&
            "${within[@]}" "$venv/bin/pip" install --isolated --quiet --disable-pip-version-check --no-index \
                --find-links "$work/wheels-$short" "$wheel" pytest gunicorn &&
            "$TESTBED" -- "${within[@]}" "$venv/bin/python" -m pytest --quiet -p no:cacheprovider \
                --ignore bindings/python/tests/test_package.py bindings/python/tests &&
            "${within[@]}" "$venv/bin/dcs" --version
    } >>"$log" 2>&1; then
        echo "$what ($name): $(grep -o '[0-9]* passed.*' "$log" | tail -1)"
        passed=$((passed + 1))
    else
        echo "$what ($name): failed; see $log" >&2
        failed+=("$name")
    fi
}

if [ $# -gt 0 ]; then
    interpreters=("${@/systems/}")
else
    interpreters=(python3 python3.{9..20} python3.{13..20}t pypy3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3)
fi
declare -A seen
for interpreter in "${interpreters[@]}"; do
    { [ -n "$interpreter" ] && file=$(command -v "$interpreter") && "$file" -c "$usable" 2>/dev/null; } || continue
    # One program may have several names.
    file=$("$file" -c 'import os, sys; print(os.path.realpath(sys.executable))')
    [ -z "${seen[$file]:-}" ] || continue
    seen[$file]=yes
    run_tests "$(tr / - <<<"${file#/}")" "$file"
done

wants_systems() {
    [ $# = 0 ] || [[ " $* " == *' systems '* ]]
}
if wants_systems "$@" && can_have_systems; then
    for suite in "${!packages_of[@]}"; do
        set_up_system "$suite"
    done
    inside=scripts/test-packages/in-system.sh
    run_tests bullseye python3 $inside "$systems/bullseye"
    run_tests trixie python3 $inside "$systems/trixie"
    run_tests trixie-pypy pypy3 $inside "$systems/trixie"
    build_free_threaded
    run_tests trixie-3.13t /opt/python3.13t/bin/python3 $inside "$systems/trixie"
    run_tests sid python3 $inside "$systems/sid"
    run_tests sid-3.15 python3.15 $inside "$systems/sid"
elif wants_systems "$@"; then
    echo 'Skips the Python versions of other Debian releases, which need root.' >&2
fi

[ ${#failed[@]} -eq 0 ] || fail "${#failed[@]} of $((passed + ${#failed[@]})) failed: ${failed[*]}"
[ $passed -gt 0 ] || fail 'no Python 3.9 or newer was found'
echo "All $passed passed."
