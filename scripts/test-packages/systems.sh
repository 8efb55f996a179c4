# Sourced after scripts/package/common.sh: other Debian releases in folders, for versions that this machine lacks.
# shellcheck shell=bash disable=SC2154
systems=$target/systems

# can_have_systems: checks whether this machine can run them. chroot and mount need root.
can_have_systems() {
    [ "$(id -u)" = 0 ] && scripts/setup.sh --package-test --packages && command -v mmdebstrap unshare >/dev/null
}

# Debian has no package of CPython without the GIL. build_free_threaded builds it from the source package.
build_dependencies=make,xz-utils,libffi-dev,libssl-dev,zlib1g-dev

# The Python, PyPy and Java of each release. Tests of the loader need the compiler that is added below.
declare -A packages_of=(
    [bullseye]='python3,python3-venv,openjdk-11-jre-headless'
    [trixie]="python3,python3-venv,pypy3,pypy3-venv,openjdk-21-jre-headless,openjdk-25-jre-headless,$build_dependencies"
    [sid]='python3,python3-venv,python3.15,python3.15-venv,openjdk-26-jre-headless'
)

# set_up_system SUITE: installs the release in $systems/SUITE unless it is there.
set_up_system() {
    local suite=$1 folder=$systems/$1 packages=${packages_of[$1]},gcc,libc6-dev hooks=()
    [ "$(cat "$folder.packages" 2>/dev/null)" != "$packages" ] || return 0
    mkdir -p "$systems"
    rm -rf "$folder" "$folder.packages"
    if [[ $packages == *$build_dependencies* ]]; then
        # shellcheck disable=SC2016
        hooks=(
            --setup-hook='cd "$1/etc/apt" && sed -n "s/^deb /deb-src /p" sources.list >sources.list.d/source.list'
            --customize-hook='cd "$1/usr/src" &&
                APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --quiet source --download-only --tar-only python3.13'
        )
    fi
    # A mirror's signature may have expired, which does not matter for systems that only run tests.
    mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" \
        "${hooks[@]}" "$suite" "$folder" >"$folder.log" 2>&1 ||
        fail "Debian $suite could not be set up: $(tail -5 "$folder.log")"
    echo '127.0.0.1 localhost' >"$folder/etc/hosts"
    echo "$packages" >"$folder.packages"
}

# build_free_threaded: builds /opt/python3.13t in trixie unless it is there; some minutes.
build_free_threaded() {
    local folder=$systems/trixie
    [ ! -e "$folder/opt/python3.13t/bin/python3" ] || return 0
    # shellcheck disable=SC2016
    scripts/test-packages/in-system.sh "$folder" bash -euc '
        rm -rf /usr/src/Python-*
        tar -xf /usr/src/python3.13_*.orig.tar.xz -C /usr/src
        cd /usr/src/Python-*
        ./configure --prefix=/opt/python3.13t --disable-gil --disable-test-modules --without-ensurepip
        make -j"$(nproc)"
        make install
    ' >"$folder-3.13t.log" 2>&1 || fail "python3.13t could not be built: $(tail -5 "$folder-3.13t.log")"
}
