#!/usr/bin/env bash
# Builds the packages for Python:
#
#     dist/libdcs-VERSION-py3-none-manylinux2014_x86_64.whl    library, commands, SBOMs
#     dist/libdcs-VERSION-py3-none-win_amd64.whl               the same for Windows, if it was built
#     dist/libdcs-VERSION.tar.gz                               the source, including Rust's, for all other systems
#
# The native files come from linux.sh and windows.sh.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

scripts/setup.sh --package
install_tools
[ -e "$target/package/linux/lib/libdcs.so" ] || fail 'the library is missing: run make package-linux'
mkdir -p "$dist"
rm -f "$dist/libdcs-$version"-py3-*.whl "$dist/libdcs-$version.tar.gz"
# They would override the folders below.
unset LIBDCS_PREBUILT LIBDCS_TREE LIBDCS_PLATFORM

# build TARGET [VARIABLE=VALUE...]: builds the sdist or a wheel.
build() {
    (cd bindings/python && env "${@:2}" "$tools/bin/python" -m hatchling build -t "$1" -d "$dist" >/dev/null)
}

build sdist
build wheel LIBDCS_TREE="$target/package/linux" LIBDCS_PLATFORM=manylinux2014_x86_64
# auditwheel knows which library symbols each tag allows; manylinux2014 is glibc 2.17.
linux=$dist/libdcs-$version-py3-none-manylinux2014_x86_64.whl
audit=$("$tools/bin/auditwheel" show "$linux" | tr '\n' ' ')
glibc=$(sed -n 's/.*consistent with the *following platform tag: *"manylinux_2_\([0-9]*\)_x86_64".*/\1/p' <<<"$audit")
[ -n "$glibc" ] && [ "$glibc" -le 17 ] || fail "$linux is not a manylinux2014 wheel: $audit"

if [ -e "$target/package/windows/bin/dcs.dll" ]; then
    build wheel LIBDCS_TREE="$target/package/windows" LIBDCS_PLATFORM=win_amd64
else
    echo 'There is no wheel for Windows: make package-windows was not run.' >&2
fi
print_paths "$dist/libdcs-$version"-py3-*.whl "$dist/libdcs-$version.tar.gz"
