#!/usr/bin/env bash
# Builds the Windows package for x86-64 and Windows 10 or newer:
#
#     target/package/windows/    the content of the archive: bin, include, lib, share
#     dist/libdcs-VERSION-windows-x86_64.zip
#
# It cross-compiles with MinGW and Debian's Rust. It also builds the standard library, which Debian packages as source
# but not for Windows.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

name=libdcs-$version-windows-x86_64
tree=$target/package/windows

scripts/setup.sh --package
install_tools
# shellcheck source=scripts/package/mingw.sh
. scripts/package/mingw.sh
"$cargo" fetch --quiet --locked --target $triple
# The time in a file's header would differ between builds.
remap_paths -Clink-arg=-Wl,--no-insert-timestamp
built=$target/$triple/release

# Cargo skips link-time optimisation if the crate type rlib is built too.
"$cargo" rustc --release --locked -Z build-std --target $triple --lib --crate-type cdylib
rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/lib/pkgconfig" "$tree/lib/cmake/dcs" "$tree/include" "$dist"
cp "$built/dcs.dll" "$tree/bin"
"$cargo" build --release --locked -Z build-std --target $triple -p dcs-cli
cp "$built/dcs.exe" "$tree/bin"

# The import libraries, from the exports of the DLL: one in GNU's format, one in Microsoft's.
definition=$target/package/windows-exports.def
{
    echo 'LIBRARY dcs.dll'
    echo 'EXPORTS'
    $mingw-objdump --private-headers "$tree/bin/dcs.dll" | sed -n 's/^\t\[ *[0-9]\+\] \(dcs_[a-z0-9_]\+\)$/    \1/p'
} >"$definition"
# The names of dlltool's temporary files become symbols of the library.
(cd "$tree/lib" && $mingw-dlltool --deterministic-libraries --temp-prefix=dcs \
    --input-def "$definition" --output-lib libdcs.dll.a)
"$tools/bin/python" -m ziglang dlltool -m i386:x86-64 -d "$definition" -l "$tree/lib/dcs.lib"

# fill TEMPLATE FILE: writes the file from the template.
fill() {
    sed "s|@VERSION@|$version|g" "scripts/package/templates/$1" >"$2"
}
fill dcs-windows.pc.in "$tree/lib/pkgconfig/dcs.pc"
fill dcsConfig-windows.cmake.in "$tree/lib/cmake/dcs/dcsConfig.cmake"
fill dcsConfigVersion.cmake.in "$tree/lib/cmake/dcs/dcsConfigVersion.cmake"

install -m 644 include/dcs.h include/dcs.hpp "$tree/include"
doc=$tree/share/doc/libdcs
scripts/package/documents.sh "$doc"

scripts/package/sbom.sh "$doc" $triple

scripts/package/check-windows.sh "$tree"

archive=$dist/$name.zip
rm -f "$archive"
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
# In a folder of the archive's name. zip writes the local time, which is UTC here.
ln -sfn windows "$target/package/$name"
(cd "$target/package" && find "$name/" -type f | sort | zip --quiet -X -9 "$archive" -@)
rm "$target/package/$name"
print_paths "$archive"
