# Sourced in the repository's root by the scripts that need an additional cargo command.
# shellcheck shell=bash

# `cargo install --root` installs into this folder, so that nothing is left outside the target folder.
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
export PATH=$tools/bin:$PATH

# cargo_tool NAME: installs `cargo NAME` if this machine lacks it.
cargo_tool() {
    "${CARGO:-cargo}" "$1" --version >/dev/null 2>&1 && return
    echo "Installing cargo-$1 into $tools"
    "${CARGO:-cargo}" install --quiet --locked --root "$tools" "cargo-$1"
}
