# Sourced after scripts/package/common.sh: other Debian releases in folders, for what this machine has not got.
# shellcheck shell=bash
systems=$target/systems

# Whether this machine can have them: chroot and mounting are root's.
can_have_systems() {
    [ "$(id -u)" = 0 ] && scripts/setup.sh --package-test --packages && command -v mmdebstrap unshare >/dev/null
}

# What each release is for: its Python, PyPy and Java; the compiler is for tests of the loader.
declare -A packages_of=(
    [bullseye]='python3,python3-venv,openjdk-11-jre-headless'
    [trixie]='python3,python3-venv,pypy3,pypy3-venv,openjdk-21-jre-headless,openjdk-25-jre-headless'
    [sid]='python3,python3-venv,python3.15,python3.15-venv,openjdk-26-jre-headless'
)

# have_system SUITE: sees that the release is in $systems/SUITE.
have_system() {
    local suite=$1 folder=$systems/$1 packages=${packages_of[$1]},gcc,libc6-dev
    [ "$(cat "$folder.packages" 2>/dev/null)" != "$packages" ] || return 0
    mkdir -p "$systems"
    rm -rf "$folder" "$folder.packages"
    # A mirror may be older than its signature allows, and these systems only run tests.
    mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" \
        "$suite" "$folder" 2>"$folder.log" || fail "Debian $suite could not be set up: $(tail -5 "$folder.log")"
    echo '127.0.0.1 localhost' >"$folder/etc/hosts"
    echo "$packages" >"$folder.packages"
}
