#!/usr/bin/env bash
# Installs the Linux packages of dist in a Debian without Rust, in a temporary folder, and uses them there.
# SUITE names the release of Debian: bullseye (glibc 2.31) is the oldest on Debian's mirrors.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

suite=${SUITE:-bullseye}
# The source of this machine's own packages, which may be a nearby mirror.
# shellcheck disable=SC2016
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
    grep -v security | head -n 1)}
# Outside the source, so that the removal below cannot hit it.
base=$(mktemp --directory --tmpdir libdcs-debian.XXXXXX)
trap 'rm -rf --one-file-system "$base"' EXIT
trap 'exit 130' INT TERM
debian=$base/root

[ "$(id -u)" = 0 ] || fail 'chroot needs root: run it with sudo'
scripts/setup.sh --package-test --packages
artefacts=("$dist/libdcs-$version-linux-x86_64.tar.gz" "$dist"/{libdcs0,libdcs-dev,dcs-tools}_"${version}_amd64.deb")
for file in "${artefacts[@]}"; do
    [ -e "$file" ] || fail "$file is missing: run make package-linux"
done

# Keeps the downloaded packages for the next run.
mkdir -p "$target/package/debian"
debootstrap --variant=minbase --include=gcc,g++,libc6-dev,make,pkg-config,cmake --cache-dir="$target/package/debian" \
    "$suite" "$debian" "$mirror" >"$base/log" 2>&1 || {
    tail -20 "$base/log" >&2
    fail "debootstrap of $suite from $mirror failed"
}
printf '127.0.0.1 localhost\n::1 localhost\n' >"$debian/etc/hosts"
mkdir "$debian/artefacts"
cp "${artefacts[@]}" "$debian/artefacts"
mkdir "$debian/work"
cp -R tests/package/consumer tests/package/in-debian.sh "$debian/work"
env --ignore-environment PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    chroot "$debian" /work/in-debian.sh "$version"
