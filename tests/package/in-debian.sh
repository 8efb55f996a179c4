#!/usr/bin/env bash
# Runs as root in a Debian of its own, which test-linux.sh has made: installs the artefacts in /artefacts in each of
# the documented ways and has programs that are compiled here make the status call.
#
#     in-debian.sh VERSION
set -euo pipefail
version=$1
name=libdcs-$version-linux-x86_64
examples=/usr/share/doc/libdcs-dev/examples
work=/work
passed=0
sandbox=
mkdir -p $work
cd $work
# Not in the mountless chroot, where it would be asked of the host.
export DEBIAN_FRONTEND=noninteractive

trap '[ -z "$sandbox" ] || kill $sandbox 2>/dev/null || true' EXIT

ok() {
    passed=$((passed + 1))
    echo "ok $passed $*"
}

fail() {
    echo "in-debian.sh: $*" >&2
    exit 1
}

# calls PROGRAM [ARGUMENT...]: it makes the status call and gets the answer.
calls() {
    local answer
    answer=$("$@") || fail "$* has failed: $answer"
    [[ $answer == *available* ]] || fail "$* printed: $answer"
}

# linked PROGRAM yes|no: whether it needs the shared library.
linked() {
    local found=no
    ! objdump -p "$1" | grep -qF 'NEEDED               libdcs.so.0' || found=yes
    [ $found = "$2" ] || fail "$1: the shared library is needed: $found, and should be: $2"
}

# by_pkg_config WHERE: what the files of pkg-config say, which are in the folder WHERE or where they always are.
by_pkg_config() {
    export PKG_CONFIG_PATH=$1
    local libdir flags
    libdir=$(pkg-config --variable=libdir dcs)
    [ "$(pkg-config --modversion dcs)" = "$version" ] || fail 'dcs.pc has another version'
    # Split as a Makefile does it.
    # shellcheck disable=SC2046
    cc -Wall -Werror -o shared status.c $(pkg-config --cflags --libs dcs) "-Wl,-rpath,$libdir"
    linked shared yes
    calls ./shared
    # shellcheck disable=SC2046
    cc -Wall -Werror -o static status.c $(pkg-config --cflags --libs dcs-static)
    linked static no
    calls ./static
    # A program that is static as a whole. glibc warns that its lookups stay with the shared one.
    # shellcheck disable=SC2046
    cc -static -o whole status.c $(pkg-config --static --cflags --libs dcs) 2>/dev/null
    ! objdump -p whole | grep -q NEEDED || fail 'the static program needs shared libraries'
    calls ./whole
    # Nothing is missing in the list of the system's libraries, also where all of the archive is taken.
    flags=$(pkg-config --static --libs-only-l dcs)
    # shellcheck disable=SC2086
    cc -shared -o all.so -Wl,--whole-archive "$libdir/libdcs.a" -Wl,--no-whole-archive -Wl,-z,defs ${flags/-ldcs/} -lc
    # Nor is one too many.
    for library in ${flags/-ldcs/}; do
        # shellcheck disable=SC2086
        ! cc -o less status.c -I"$(pkg-config --variable=includedir dcs)" "$libdir/libdcs.a" \
            $(printf '%s\n' ${flags/-ldcs/} | grep -vxF -- "$library") -Wl,--no-copy-dt-needed-entries -Wl,-z,defs 2>/dev/null ||
            fail "$library is in the list of libraries, and a program can be linked without it"
    done
    unset PKG_CONFIG_PATH
}

# by_cmake [OPTION...]: the CMake package; options say where it is.
by_cmake() {
    rm -rf build
    cmake -S consumer -B build -DEXAMPLES=$work "-DDCS_WANTED=${version%.*}" "$@" >cmake.log 2>&1 || fail "$(cat cmake.log)"
    cmake --build build >cmake.log 2>&1 || fail "$(cat cmake.log)"
    for language in c cpp; do
        linked build/$language-dcs yes
        calls build/$language-dcs
        linked build/$language-dcs-static no
        calls build/$language-dcs-static
    done
}

# refused WANTED [OPTION...]: CMake does not take this version.
refused() {
    rm -rf build
    ! cmake -S consumer -B build -DEXAMPLES=$work "-DDCS_WANTED=$1" "${@:2}" >cmake.log 2>&1 ||
        fail "find_package(dcs $1) took version $version"
    grep -q 'version: *'"$version" cmake.log || fail "$(cat cmake.log)"
}

echo "$(. /etc/os-release && echo "$PRETTY_NAME"), $(ldd --version | head -1)"
! command -v cargo rustc || fail 'there is a Rust toolchain here'

# The Debian packages.

dpkg -i /artefacts/*.deb >dpkg.log 2>&1 || fail "$(cat dpkg.log)"
ldconfig -p | grep -qF 'libdcs.so.0 ' || fail 'the loader does not know libdcs.so.0'
dpkg --verify libdcs0 libdcs-dev dcs-tools || fail 'installed files differ from their checksums'
for file in usr/bin/dcs usr/share/man/man1/dcs.1.gz usr/share/bash-completion/completions/dcs; do
    [ -s /$file ] || fail "/$file is not there"
done
for package in libdcs0 libdcs-dev dcs-tools; do
    grep -q 'Rust standard library' /usr/share/doc/$package/copyright || fail "$package does not name what it contains"
done
ok 'the Debian packages are installed'

dcs sandbox --dir $work/sandbox --env-file $work/env --quiet >sandbox.log 2>&1 &
sandbox=$!
while ! [ -e env ]; do
    kill -0 $sandbox 2>/dev/null || fail "$(cat sandbox.log)"
    sleep 0.05
done
# shellcheck disable=SC1091
. ./env
cp $examples/status.c $examples/status.cpp .

calls dcs status
dcs diagnose >/dev/null || fail 'dcs diagnose finds a fault'
ok 'the command asks the sandbox'
by_pkg_config ''
ok 'pkg-config, with the Debian packages'
by_cmake
# As with /lib in front of /usr/lib in the search.
by_cmake -DCMAKE_PREFIX_PATH=/
ok 'CMake, with the Debian packages'

major=${version%%.*} minor=${version#*.} minor=${minor%%.*}
refused "$major.$((minor + 1))"
refused "$((major + 1))"
refused "$version.1"
if [ "$major" = 0 ] && [ "$minor" -gt 0 ]; then
    refused "0.$((minor - 1))"
fi
by_cmake "-DDCS_WANTED=$version"
if cmake --version | grep -q ' 3\.\(19\|[2-9][0-9]\)\|version [4-9]'; then
    by_cmake "-DDCS_WANTED=$major.$minor...<$((major + 1))"
    refused "$major.$((minor + 1))...$((major + 1))"
fi
ok 'CMake takes the versions that fit, and no other'

# The archive, in a folder that it was not made for.

dpkg --purge dcs-tools libdcs-dev libdcs0 >/dev/null 2>&1
[ -z "$(find /usr /etc -name '*dcs*')" ] || fail "left by the packages: $(find /usr /etc -name '*dcs*')"
! ./shared 2>/dev/null || fail 'the shared library is gone, and a program found one'
ok 'the Debian packages are gone without a trace'

tar -xzf /artefacts/$name.tar.gz
mkdir '/opt/other place'
cp -R $name '/opt/other place/dcs'
mv $name /opt/moved
by_pkg_config /opt/moved/lib/pkgconfig
ok 'pkg-config, with the archive in /opt/moved'
by_cmake '-DCMAKE_PREFIX_PATH=/opt/other place/dcs'
ok "CMake, with the archive in '/opt/other place'"
calls /opt/moved/bin/dcs status
mv /opt/moved/lib/libdcs.a /opt/moved/lib/away.a
! cmake -S consumer -B build-less -DEXAMPLES=$work -DCMAKE_PREFIX_PATH=/opt/moved >cmake.log 2>&1 ||
    fail 'CMake took an installation that is not whole'
grep -q 'libdcs.a is missing' cmake.log || fail "$(cat cmake.log)"
ok 'CMake says what is missing in an installation that is not whole'
rm -r /opt/moved '/opt/other place'

tar -xzf /artefacts/$name.tar.gz -C /usr/local --strip-components=1
ldconfig
hash -r
cc -Wall -Werror -o shared status.c -ldcs
calls ./shared
calls dcs status
by_pkg_config ''
by_cmake
ok 'the archive in /usr/local'

echo "$passed passed, 0 failed"
