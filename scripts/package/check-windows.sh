#!/usr/bin/env bash
# Checks the built Windows files: exports, imports, protections, version, no paths of the building machine.
#
#     check-windows.sh TREE
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

[ $# = 1 ] || fail 'usage: check-windows.sh TREE'
tree=$1
mingw=x86_64-w64-mingw32

# What Windows 10 and later have. libgcc, libwinpthread and libstdc++ are not among it.
system='api-ms-win-.*|advapi32|bcrypt|bcryptprimitives|kernel32|msvcrt|ntdll|user32|userenv|ws2_32'

check() {
    local file=$1 headers foreign flag named
    headers=$($mingw-objdump --private-headers "$file")
    foreign=$(sed -n 's/^\tDLL Name: //p' <<<"$headers" | grep -ivxE "($system)\.dll" || true)
    [ -z "$foreign" ] || fail "$file needs DLLs that Windows does not have: ${foreign//$'\n'/ }"
    for flag in DYNAMIC_BASE HIGH_ENTROPY_VA NX_COMPAT; do
        grep -qE "^\s+$flag\$" <<<"$headers" || fail "$file is not linked with $flag."
    done
    # Addresses can only be moved with the table that says where they are.
    grep -q 'Base Relocation Directory' <<<"$headers" || fail "$file cannot be loaded at another address."
    named=$($mingw-windres --input-format=coff "$file" 2>/dev/null) || fail "$file has no version resource."
    for words in "$version" "$(basename "$file")"; do
        grep -qF "$words" <<<"$named" || fail "$file has no version resource that says $words."
    done
    for folder in "$root" "$target" "${CARGO_HOME:-$HOME/.cargo}"; do
        ! grep -qF "$folder" "$file" || fail "$file tells of the folder $folder."
    done
}
for file in "$tree/bin/dcs.dll" "$tree/bin/dcs.exe" "$tree/bin/dcs-sandbox.exe"; do
    check "$file"
done

# exports FILE
exports() {
    $mingw-objdump --private-headers "$1" | sed -n 's/^\t\[ *[0-9]\+\] \([^ ]\+\)$/\1/p' | sort
}
declared=$(sed -n 's/^[a-z].*[ *]\(dcs_[a-z0-9_]*\)(.*/\1/p' include/dcs.h | sort -u)
[ "$(wc -l <<<"$declared")" -gt 50 ] || fail 'The functions that dcs.h declares were not found.'
diff <(exports "$tree/bin/dcs.dll") <(echo "$declared") ||
    fail 'dcs.dll exports (<) something else than dcs.h declares (>).'

# Both import libraries link, and what is linked takes everything from dcs.dll.
linked=$target/package/windows-linked.exe
for library in libdcs.dll.a dcs.lib; do
    $mingw-gcc-win32 -std=c99 -I "$tree/include" -o "$linked" tests/c/contract.c "$tree/lib/$library"
    headers=$($mingw-objdump --private-headers "$linked")
    grep -q 'DLL Name: dcs.dll' <<<"$headers" || fail "$library does not lead to dcs.dll."
done
rm "$linked"
