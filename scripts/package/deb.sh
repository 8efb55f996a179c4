#!/usr/bin/env bash
# Builds the Debian packages from an installation tree:
#
#     deb.sh TREE
#
# libdcs0 (the shared library), libdcs-dev (headers, static library, pkg-config, CMake), dcs-tools (the command).
# DEB_MAINTAINER sets their maintainer.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

tree=$1
work=$target/package/deb-work
libdir=lib/x86_64-linux-gnu
maintainer=${DEB_MAINTAINER:-The libdcs authors <libdcs@localhost>}
date=$(date --rfc-email --date="@$SOURCE_DATE_EPOCH")
rm -rf "$work"

# document PACKAGE SBOM: adds the licences, the changelog and the SBOM to a package.
document() {
    local doc=$work/$1/usr/share/doc/$1
    mkdir -p "$doc"
    {
        cat scripts/package/templates/debian/copyright
        # The format indents each line of a text, and writes an empty line as a full stop.
        sed -e 's/^\s*$/./' -e 's/^/ /' "$tree/share/doc/libdcs/THIRD-PARTY-LICENCES"
    } >"$doc/copyright"
    install -m 644 "$tree/share/doc/libdcs/$2" "$doc/$2"
    gzip --no-name --best <CHANGELOG.md >"$doc/changelog.gz"
    printf 'libdcs (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' \
        "$version" "$maintainer" "$date" | gzip --no-name --best >"$doc/changelog.Debian.gz"
}

# control PACKAGE SECTION DEPENDS SHORT LONG [FIELD...]: writes the control files and builds the package.
control() {
    local package=$1 folder=$work/$1 size
    mkdir -p "$folder/DEBIAN"
    size=$(du --summarize --apparent-size --block-size=1024 "$folder" --exclude=DEBIAN | cut -f1)
    {
        printf 'Package: %s\nSource: libdcs\nVersion: %s\nArchitecture: amd64\n' "$package" "$version"
        printf 'Maintainer: %s\nInstalled-Size: %s\nDepends: %s\nSection: %s\nPriority: optional\n' \
            "$maintainer" "$size" "$3" "$2"
        [ $# -lt 6 ] || printf '%s\n' "${@:6}"
        printf 'Description: %s\n' "$4"
        fold --spaces --width=76 <<<"$5" | sed -e 's/ *$//' -e 's/^/ /'
    } >"$folder/DEBIAN/control"
    (cd "$folder" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort --zero-terminated |
        xargs --null md5sum) >"$folder/DEBIAN/md5sums"
    chmod 644 "$folder/DEBIAN"/*
    # With more threads, the bytes would depend on their number.
    DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group -Zxz --build "$folder" \
        "$dist/${package}_${version}_amd64.deb" >/dev/null
}

about='It makes the status call of the UK Document Checking Service (DCS) over mutual TLS inside the calling process,'
about+=' from C, C++, Python, Java and Rust.'

# The files for pkg-config and CMake name the multiarch folder, so they are generated again.
scripts/package/layout.sh "$tree/lib/libdcs.so" "$tree/lib/libdcs.a" "$work/whole/usr" $libdir /usr

mkdir -p "$work/libdcs0/usr/$libdir" "$work/libdcs-dev/usr/$libdir" "$work/dcs-tools/usr"
mv "$work/whole/usr/$libdir"/libdcs.so.* "$work/libdcs0/usr/$libdir"
mv "$work/whole/usr/$libdir"/* "$work/libdcs-dev/usr/$libdir"
mv "$work/whole/usr/include" "$work/libdcs-dev/usr"
document libdcs0 libdcs.cdx.json
document libdcs-dev libdcs.cdx.json
scripts/package/documents.sh "$work/libdcs-dev/usr/share/doc/libdcs-dev"
# In Debian the licence is in the file copyright, and the changelog is compressed.
rm "$work/libdcs-dev/usr/share/doc/libdcs-dev"/{LICENSE,CHANGELOG.md}
cp -R "$tree/bin" "$work/dcs-tools/usr"
mkdir -p "$work/dcs-tools/usr/share/zsh"
for part in man bash-completion fish; do
    cp -R "$tree/share/$part" "$work/dcs-tools/usr/share"
done
cp -R "$tree/share/zsh/site-functions" "$work/dcs-tools/usr/share/zsh/vendor-completions"
gzip --no-name --best "$work/dcs-tools/usr/share/man/man1/dcs.1"
document dcs-tools dcs-tools.cdx.json

mkdir -p "$work/libdcs0/DEBIAN"
echo 'activate-noawait ldconfig' >"$work/libdcs0/DEBIAN/triggers"
# The dependency of other packages that link with the library.
echo "libdcs 0 libdcs0 (>= $version)" >"$work/libdcs0/DEBIAN/shlibs"
control libdcs0 libs 'libc6 (>= 2.17)' 'client of the UK Document Checking Service' "$about" 'Multi-Arch: same'
control libdcs-dev libdevel "libdcs0 (= $version)" 'client of the UK Document Checking Service (development)' \
    "$about This package has the headers for C and C++, the static library, and the files for pkg-config and CMake." \
    'Multi-Arch: same'
control dcs-tools utils 'libc6 (>= 2.17)' 'command for the UK Document Checking Service' \
    "The command dcs requests the status of the Document Checking Service (DCS), diagnoses failures and inspects\
 certificates and keys. Its subcommand sandbox is a server to try this without the DCS's certificates."
[ -n "${DEB_MAINTAINER:-}" ] ||
    echo "The maintainer of the Debian packages is $maintainer; DEB_MAINTAINER sets another." >&2
