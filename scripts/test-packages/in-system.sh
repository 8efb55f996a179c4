#!/usr/bin/env bash
# Runs a command in a system that systems.sh has set up, with the folders, servers and variables of this machine that a
# test needs. Its mounts end with the command.
#
#     in-system.sh FOLDER COMMAND...
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/../package/common.sh"

folder=$1
mkdir -p "$folder$root" "$folder$target"
# shellcheck disable=SC2016
exec unshare --mount --propagation private bash -euc '
    folder=$1 root=$2 target=$3
    mount -t proc proc "$folder/proc"
    mount --rbind /dev "$folder/dev"
    for place in /tmp "$root" "$target"; do
        mount --bind "$place" "$folder$place"
    done
    exec chroot "$folder" env --chdir="$root" "${@:4}"
' - "$folder" "$root" "$target" "${@:2}"
