#!/usr/bin/env bash
# Installs a built library into a folder: headers, shared and static library, pkg-config files and CMake package.
#
#     layout.sh SHARED STATIC TREE LIBDIR [PREFIX]
#
# TREE is the installation's prefix as a folder, LIBDIR the libraries' folder below it, such as lib. With PREFIX the
# pkg-config files name that folder. Without it, they name the prefix relative to themselves, so that TREE can be moved.
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=$1 static=$2 tree=$3 libdir=$4 prefix=${5:-}
templates=scripts/package/templates
version=$(scripts/package/version.sh)

dynamic=$(readelf --dynamic --wide "$shared")
soname=$(sed -n 's/.*Library soname: \[\(.*\)\].*/\1/p' <<<"$dynamic")
[ -n "$soname" ] || { echo "layout.sh: $shared has no SONAME" >&2; exit 1; }

# The static library needs the same system libraries as the shared one. The C library, the loader and gcc's own library
# are left out, because every compiler adds them.
system=$(sed -n 's/.*(NEEDED).*\[lib\(.*\)\.so.*\].*/-l\1/p' <<<"$dynamic" | grep -vx -e -lc -e -lgcc_s || true)
system=$(paste --serial --delimiters=' ' <<<"$system")

# The way from dcs.pc and dcsConfig.cmake back to the prefix.
# shellcheck disable=SC2001
up=$(sed 's|[^/]\+|..|g' <<<"$libdir")

# fill TEMPLATE FILE: writes the file from the template.
fill() {
    sed -e "s|@VERSION@|$version|g" -e "s|@SONAME@|$soname|g" -e "s|@LIBDIR@|$libdir|g" \
        -e "s|@PREFIX@|${prefix:-\${pcfiledir\}/../$up}|g" -e "s|@UP@|../../$up|g" \
        -e "s|@SYSTEM@|$system|g" -e "s|@SYSTEM_LIST@|${system// /;}|g" "$templates/$1" >"$2"
    chmod 644 "$2"
}

mkdir -p "$tree/include" "$tree/$libdir/pkgconfig" "$tree/$libdir/cmake/dcs"
install -m 644 include/dcs.h include/dcs.hpp "$tree/include"
install -m 644 "$shared" "$tree/$libdir/libdcs.so.$version"
ln -sf "libdcs.so.$version" "$tree/$libdir/$soname"
ln -sf "$soname" "$tree/$libdir/libdcs.so"
install -m 644 "$static" "$tree/$libdir/libdcs.a"
for name in dcs dcs-static; do
    fill $name.pc.in "$tree/$libdir/pkgconfig/$name.pc"
done
for name in dcsConfig dcsConfigVersion; do
    fill $name.cmake.in "$tree/$libdir/cmake/dcs/$name.cmake"
done
