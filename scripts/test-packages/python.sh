#!/usr/bin/env bash
# Installs the Python packages as a user would, in environments without Rust, and makes the status call: the wheel with
# pip, pipx and uv and in the oldest available Debian, in a program of PyInstaller, and the sdist with cargo.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/../package/common.sh"
# shellcheck source=scripts/test-packages/systems.sh
. scripts/test-packages/systems.sh
# shellcheck source=scripts/sandbox.sh
. scripts/sandbox.sh

wheel=$dist/libdcs-$version-py3-none-manylinux2014_x86_64.whl
sdist=$dist/libdcs-$version.tar.gz
for file in "$wheel" "$sdist"; do
    [ -e "$file" ] || fail "${file#"$root/"} is missing: run make package-python"
done
work=$target/test-packages/python
rm -rf "$work"
mkdir -p "$work"
unset LIBDCS_PATH LIBDCS_PREBUILT LIBDCS_TREE LIBDCS_PLATFORM

# PATH has this folder only, so neither cargo nor a compiler.
"$python" -m venv "$work/pip"
(PATH=$work/pip/bin && pip install --quiet --disable-pip-version-check --no-index "$wheel")
start_sandbox "$work/sandbox" "$work/pip/bin/dcs" --answer scheduled-outages
expect_answer 'pip' env PATH="$work/pip/bin" python examples/status.py
expect_answer 'the command dcs' env PATH="$work/pip/bin" dcs status
# The wheel contains the SBOM of the library.
ls "$work"/pip/lib/python*/site-packages/"libdcs-$version.dist-info"/sboms/libdcs.cdx.json >/dev/null
"$work/pip/bin/pip" uninstall --quiet --yes libdcs
[ ! -e "$work/pip/bin/dcs" ] || fail 'pip left the command dcs behind'

"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check pipx uv
PIPX_HOME=$work/pipx PIPX_BIN_DIR=$work/pipx-bin "$work/tools/bin/pipx" install --quiet "$wheel" \
    >"$work/pipx.log" 2>&1 || fail "pipx: $(cat "$work/pipx.log")"
expect_answer 'pipx' env PATH="$work/pipx-bin" dcs status
export UV_TOOL_DIR=$work/uv-tools UV_TOOL_BIN_DIR=$work/uv-bin UV_CACHE_DIR=$work/uv-cache
"$work/tools/bin/uv" tool install --quiet --no-index "$wheel"
expect_answer 'uv tool' env PATH="$work/uv-bin" dcs status
"$work/tools/bin/uv" venv --quiet --python "$(command -v "$python")" "$work/uv"
VIRTUAL_ENV=$work/uv "$work/tools/bin/uv" pip install --quiet --no-index "$wheel"
expect_answer 'uv pip' env PATH="$work/uv/bin" python examples/status.py

# A hook in the wheel adds the library to the programs that PyInstaller makes. shiv unpacks its zip file at start.
"$python" -m venv "$work/freezers"
"$work/freezers/bin/pip" install --quiet --disable-pip-version-check pyinstaller shiv "$wheel"
for mode in onedir onefile; do
    "$work/freezers/bin/pyinstaller" "--$mode" --name "$mode" --log-level ERROR --distpath "$work/frozen" \
        --workpath "$work/freezers/build" --specpath "$work/freezers" examples/status.py
done
expect_answer 'PyInstaller, a folder' "$work/frozen/onedir/onedir"
expect_answer 'PyInstaller, one file' "$work/frozen/onefile"
"$work/freezers/bin/shiv" --quiet --output-file "$work/status.pyz" --no-index "$wheel"
expect_answer 'shiv' env SHIV_ROOT="$work/shiv" "$python" "$work/status.pyz" examples/status.py

windows=$dist/libdcs-$version-py3-none-win_amd64.whl
if [ -e "$windows" ]; then
    # It cannot run here, but pip can unpack it.
    "$work/tools/bin/pip" install --quiet --disable-pip-version-check --no-index --platform win_amd64 \
        --only-binary :all: --target "$work/windows" "$windows"
    for file in libdcs/dcs.dll bin/dcs.exe; do
        [ -s "$work/windows/$file" ] || fail "the wheel for Windows has no $file"
    done
    cmp "$work/windows/libdcs/dcs.dll" "$target/package/windows/bin/dcs.dll"
    echo 'pip for Windows: the files are in place'
fi

if can_have_systems; then
    set_up_system bullseye
    inside=(scripts/test-packages/in-system.sh "$systems/bullseye")
    "${inside[@]}" python3 -m venv "$work/bullseye"
    "${inside[@]}" "$work/bullseye/bin/pip" install --isolated --quiet --disable-pip-version-check --no-index "$wheel"
    expect_answer 'pip in Debian 11' "${inside[@]}" "$work/bullseye/bin/python" examples/status.py
    expect_answer 'the command dcs in Debian 11' "${inside[@]}" "$work/bullseye/bin/dcs" status
fi

"$python" -m venv "$work/sdist"
# pip gets hatchling from the registry.
if output=$(PATH=$work/sdist/bin pip install --disable-pip-version-check "$sdist" 2>&1); then
    fail 'the sdist was installed without cargo'
fi
[[ $output == *'cargo was not found'*rustup* ]] || fail "the sdist does not ask for cargo: $output"
echo 'the sdist without cargo: the error says what is missing'
"$work/sdist/bin/pip" install --quiet --disable-pip-version-check "$sdist"
expect_answer 'the sdist' env PATH="$work/sdist/bin" python examples/status.py
expect_answer 'the command dcs of the sdist' env PATH="$work/sdist/bin" dcs status
echo 'All Python packages work.'
