# Sourced after scripts/package/common.sh: other Debian releases in folders, for what this machine has not got.
# shellcheck shell=bash
systems=$target/systems

# Whether this machine can have them: chroot and mounting are root's.
can_have_systems() {
    [ "$(id -u)" = 0 ] && command -v mmdebstrap unshare >/dev/null
}

# have_system SUITE PACKAGE...: sees that the release is in $systems/SUITE, with those packages and what they need.
have_system() {
    local suite=$1 folder=$systems/$1
    shift
    [ "$(cat "$folder.packages" 2>/dev/null)" != "$*" ] || return 0
    mkdir -p "$systems"
    rm -rf "$folder" "$folder.packages"
    local packages="$*"
    # A mirror may be older than its signature allows, and these systems only run tests.
    mmdebstrap --quiet --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --include="${packages// /,}" \
        "$suite" "$folder" 2>"$folder.log" || fail "Debian $suite could not be set up: $(tail -5 "$folder.log")"
    echo "$packages" >"$folder.packages"
}
