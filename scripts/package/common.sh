# Sourced by the scripts that build and test packages: paths, the version, and settings for reproducible builds.
# shellcheck shell=bash disable=SC2034
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
umask 022
# Only .cargo/config.toml and mingw.sh decide on it.
unset AWS_LC_SYS_CFLAGS

root=$PWD
cargo=${CARGO:-cargo}
python=${PYTHON:-python3}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
target=$CARGO_TARGET_DIR
dist=${DIST:-$root/dist}
tools=$target/tools
version=$(scripts/package/version.sh)

# All times in a package are the time of the last commit. Outside a clone, the caller must set it.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || {
        echo 'This is not a git clone: set SOURCE_DATE_EPOCH to the time for the packages (seconds since 1970).' >&2
        exit 1
    }
fi
export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C.UTF-8

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# print_paths FILE...: prints the paths relative to the source.
print_paths() {
    printf '%s\n' "${@#"$root/"}"
}

# declared_functions: prints the functions that dcs.h declares.
declared_functions() {
    sed -n 's/^[a-z].*[ *]\(dcs_[a-z0-9_]*\)(.*/\1/p' include/dcs.h | sort -u
}

# install_tools: installs the cross-compiler into a virtual environment below the target folder.
install_tools() {
    if ! cmp -s scripts/package/requirements.txt "$tools/requirements.txt"; then
        "$python" -m venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check -r scripts/package/requirements.txt
        cp scripts/package/requirements.txt "$tools/requirements.txt"
    fi
    PATH=$tools/bin:$PATH
}

# remap_paths [OPTION...]: makes rustc and the C compiler write the same paths wherever the source, cargo's folder, the
# toolchain and the tools are. Options are passed to rustc. The crates must be fetched before.
remap_paths() {
    local home=${CARGO_HOME:-$HOME/.cargo} sysroot commit folder separator=$'\x1f'
    sysroot=$(rustc --print sysroot)
    commit=$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
    # If several match, the last one applies.
    local places=("$home=/cargo" "$root=/libdcs" "$target=/target" "$tools=/tools")
    # The name of the registry's folder depends on its URL.
    for folder in "$home"/registry/src/*; do
        places+=("$folder=/cargo/registry")
    done
    local options=("${places[@]/#/--remap-path-prefix=}" "$@")
    options+=("--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$commit")
    CARGO_ENCODED_RUSTFLAGS=$(printf "%s$separator" "${options[@]}")
    export CARGO_ENCODED_RUSTFLAGS=${CARGO_ENCODED_RUSTFLAGS%"$separator"}
    # For the C code of aws-lc. These flags replace those of .cargo/config.toml, so they repeat them, or those that
    # mingw.sh sets.
    AWS_LC_SYS_CFLAGS=${AWS_LC_SYS_CFLAGS:-$(sed -n 's/^AWS_LC_SYS_CFLAGS = "\(.*\)"/\1/p' .cargo/config.toml)}
    AWS_LC_SYS_CFLAGS+=$(printf " '-ffile-prefix-map=%s'" "${places[@]}")
    export AWS_LC_SYS_CFLAGS CC_SHELL_ESCAPED_FLAGS=1
}

# archive FILE FOLDER NAME: packs the folder as NAME into a .tar.gz whose bytes depend on the content alone.
archive() {
    tar --create --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --transform="flags=r;s|^\.|$3|" --directory="$2" . | gzip --no-name --best >"$1"
}
