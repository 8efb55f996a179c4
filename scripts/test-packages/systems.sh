# Sourced after scripts/package/common.sh: other Debian releases in folders, for versions that this machine lacks.
# shellcheck shell=bash disable=SC2154
systems=$target/systems

# can_have_systems: checks whether this machine can run them. chroot and mount need root.
can_have_systems() {
    [ "$(id -u)" = 0 ] && scripts/setup.sh --package-test --packages && command -v mmdebstrap unshare >/dev/null
}

# The Python, PyPy and Java of each release. Tests of the loader need the compiler that is added below.
declare -A packages_of=(
    [bullseye]='python3,python3-venv,openjdk-11-jre-headless'
    [trixie]='python3,python3-venv,pypy3,pypy3-venv,openjdk-21-jre-headless,openjdk-25-jre-headless'
    [sid]='python3,python3-venv,python3.15,python3.15-venv,openjdk-26-jre-headless'
)

# set_up_system SUITE: installs the release in $systems/SUITE unless it is there.
set_up_system() {
    local suite=$1 folder=$systems/$1 packages=${packages_of[$1]},gcc,libc6-dev
    [ "$(cat "$folder.packages" 2>/dev/null)" != "$packages" ] || return 0
    mkdir -p "$systems"
    rm -rf "$folder" "$folder.packages"
    # A mirror's signature may have expired, which does not matter for systems that only run tests.
    mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" \
        "$suite" "$folder" 2>"$folder.log" || fail "Debian $suite could not be set up: $(tail -5 "$folder.log")"
    echo '127.0.0.1 localhost' >"$folder/etc/hosts"
    echo "$packages" >"$folder.packages"
}
