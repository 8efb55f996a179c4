# Sourced by the scripts that need a further command of cargo, in the repository's root.
# shellcheck shell=bash

# Where `cargo install --root` puts it: nothing is left outside of the target folder.
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
export PATH=$tools/bin:$PATH

# cargo_tool NAME: has `cargo NAME` there, from the machine or installed.
cargo_tool() {
    "${CARGO:-cargo}" "$1" --version >/dev/null 2>&1 && return
    echo "Installing cargo-$1 into $tools"
    "${CARGO:-cargo}" install --quiet --locked --root "$tools" "cargo-$1"
}
