#!/usr/bin/env bash
# Builds what Python's users install:
#
#     dist/libdcs-VERSION-py3-none-manylinux2014_x86_64.whl    library, commands, SBOMs
#     dist/libdcs-VERSION-py3-none-win_amd64.whl               the same for Windows, where it has been built
#     dist/libdcs-VERSION.tar.gz                               the source, Rust's too, for all other systems
#
# The native files are those of linux.sh and windows.sh.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

scripts/setup.sh --package
install_tools
[ -e "$target/package/linux/lib/libdcs.so" ] || fail 'there is no library to package: make package-linux'
mkdir -p "$dist"
rm -f "$dist/libdcs-$version"-py3-*.whl "$dist/libdcs-$version.tar.gz"
# They would say something else than the folders below.
unset LIBDCS_PREBUILT LIBDCS_TREE LIBDCS_PLATFORM

# make_it TARGET [VARIABLE=VALUE...]
make_it() {
    (cd bindings/python && env "${@:2}" "$tools/bin/python" -m hatchling build -t "$1" -d "$dist" >/dev/null)
}

make_it sdist
make_it wheel LIBDCS_TREE="$target/package/linux" LIBDCS_PLATFORM=manylinux2014_x86_64
# auditwheel knows which symbols of which libraries each tag allows; manylinux2014 is glibc 2.17.
linux=$dist/libdcs-$version-py3-none-manylinux2014_x86_64.whl
audit=$("$tools/bin/auditwheel" show "$linux" | tr '\n' ' ')
glibc=$(sed -n 's/.*consistent with the *following platform tag: *"manylinux_2_\([0-9]*\)_x86_64".*/\1/p' <<<"$audit")
[ -n "$glibc" ] && [ "$glibc" -le 17 ] || fail "$linux is no manylinux2014 wheel: $audit"

if [ -e "$target/package/windows/bin/dcs.dll" ]; then
    make_it wheel LIBDCS_TREE="$target/package/windows" LIBDCS_PLATFORM=win_amd64
else
    echo 'No wheel for Windows: there is no library for it (make package-windows).' >&2
fi
for file in "$dist/libdcs-$version"-py3-*.whl "$dist/libdcs-$version.tar.gz"; do
    echo "${file#"$root/"}"
done
