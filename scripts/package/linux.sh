#!/usr/bin/env bash
# Builds the Linux packages for x86-64 and glibc 2.17 or newer:
#
#     target/package/linux/    the content of the archive: bin, include, lib, share
#     dist/libdcs-VERSION-linux-x86_64.tar.gz, and -debug.tar.gz with the debug information
#     dist/libdcs0_*.deb, libdcs-dev_*.deb, dcs-tools_*.deb
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

glibc=2.17
triple=x86_64-unknown-linux-gnu
name=libdcs-$version-linux-x86_64
work=$target/package/linux-work
tree=$target/package/linux
built=$target/$triple/release

scripts/setup.sh --package
install_tools
"$cargo" fetch --quiet --locked --target $triple
remap_paths -Clink-arg=-Wl,--build-id=sha1

# Line numbers for backtraces, which are moved into separate files below.
export CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only
# Options for the unwinder and other code that zig compiles itself. Its default cache could contain builds of that code
# from another folder.
export ZIG_GLOBAL_CACHE_DIR=$target/zig-cache
export CCC_OVERRIDE_OPTIONS='#+-fdebug-compilation-dir=/libdcs +-ffile-prefix-map=target/tools=/tools'
[[ $tools = *' '* ]] || CCC_OVERRIDE_OPTIONS+=" +-ffile-prefix-map=$tools=/tools"
# Cargo skips link-time optimisation if the crate type rlib is built too.
cargo-zigbuild rustc --release --locked --target $triple.$glibc --lib --crate-type cdylib,staticlib
rm -rf "$work" "$tree"
mkdir -p "$work/lib" "$work/bin" "$work/debug" "$dist"
cp "$built/libdcs.so" "$built/libdcs.a" "$work/lib"
"$cargo" zigbuild --release --locked --target $triple.$glibc -p dcs-cli
cp "$built/dcs" "$work/bin"

# split FILE: moves the debug information to a file that debuggers find by the build ID.
split() {
    local id place
    id=$(readelf --notes "$1" | sed -n 's/.*Build ID: //p')
    [ -n "$id" ] || fail "$1 has no build ID"
    place=$work/debug/.build-id/${id:0:2}/${id:2}.debug
    mkdir -p "$(dirname "$place")"
    objcopy --only-keep-debug --compress-debug-sections "$1" "$place"
    strip --strip-unneeded "$1"
    objcopy --add-gnu-debuglink="$place" "$1"
    chmod 644 "$place"
}
for file in "$work/lib/libdcs.so" "$work/bin/dcs"; do
    split "$file"
done
strip --strip-debug --enable-deterministic-archives "$work/lib/libdcs.a"

# lay_out TREE LIBDIR [PREFIX]: installs everything into a folder.
lay_out() {
    scripts/package/layout.sh "$work/lib/libdcs.so" "$work/lib/libdcs.a" "$@"
    local bin=$1/bin share=$1/share
    mkdir -p "$bin" "$share/man/man1" "$share/bash-completion/completions" \
        "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
    install -m 755 "$work/bin/dcs" "$bin"
    "$work/bin/dcs" man >"$share/man/man1/dcs.1"
    "$work/bin/dcs" completions bash >"$share/bash-completion/completions/dcs"
    "$work/bin/dcs" completions zsh >"$share/zsh/site-functions/_dcs"
    "$work/bin/dcs" completions fish >"$share/fish/vendor_completions.d/dcs.fish"
    scripts/package/documents.sh "$share/doc/libdcs"
    scripts/package/sbom.sh "$share/doc/libdcs" $triple
}
lay_out "$tree" lib
scripts/package/check-linux.sh "$tree" "$work/debug" $glibc

archive "$dist/$name.tar.gz" "$tree" "$name"
archive "$dist/$name-debug.tar.gz" "$work/debug" "$name-debug"
scripts/package/deb.sh "$tree"
print_paths "$dist/$name.tar.gz" "$dist/$name-debug.tar.gz" "$dist"/*"_${version}_amd64.deb"
