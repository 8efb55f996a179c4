#!/usr/bin/env bash
# Checks the built Windows files: exports, imports, protections, version, no paths of the build machine.
#
#     check-windows.sh TREE
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"

[ $# = 1 ] || fail 'usage: check-windows.sh TREE'
tree=$1
mingw=x86_64-w64-mingw32

# The DLLs of Windows 10 and later. libgcc, libwinpthread and libstdc++ are not among them.
system='api-ms-win-.*|advapi32|bcrypt|bcryptprimitives|kernel32|msvcrt|ntdll|user32|userenv|ws2_32'

check() {
    local file=$1 headers foreign flag resource text folder
    headers=$($mingw-objdump --private-headers "$file")
    foreign=$(sed -n 's/^\tDLL Name: //p' <<<"$headers" | grep -ivxE "($system)\.dll" || true)
    [ -z "$foreign" ] || fail "$file needs DLLs that Windows does not have: ${foreign//$'\n'/ }"
    for flag in DYNAMIC_BASE HIGH_ENTROPY_VA NX_COMPAT; do
        grep -qE "^\s+$flag\$" <<<"$headers" || fail "$file is not linked with $flag"
    done
    # Without the table of addresses, Windows cannot load the file elsewhere.
    grep -q 'Base Relocation Directory' <<<"$headers" || fail "$file cannot be loaded at another address"
    resource=$($mingw-windres --input-format=coff "$file" 2>/dev/null) || fail "$file has no version resource"
    for text in "$version" "$(basename "$file")"; do
        grep -qF "$text" <<<"$resource" || fail "the version resource of $file lacks $text"
    done
    for folder in "$root" "$target" "${CARGO_HOME:-$HOME/.cargo}"; do
        ! grep -qF "$folder" "$file" || fail "$file contains the path $folder"
    done
}
for file in "$tree/bin/dcs.dll" "$tree/bin/dcs.exe"; do
    check "$file"
done

# exports FILE: prints the names that a DLL exports.
exports() {
    $mingw-objdump --private-headers "$1" | sed -n 's/^\t\[ *[0-9]\+\] \([^ ]\+\)$/\1/p' | sort
}
declared=$(declared_functions)
[ "$(wc -l <<<"$declared")" -gt 50 ] || fail 'the functions that dcs.h declares were not found'
diff <(exports "$tree/bin/dcs.dll") <(echo "$declared") ||
    fail 'the exports of dcs.dll (<) differ from the declarations in dcs.h (>)'

# A program links with both import libraries, and then needs dcs.dll.
linked=$target/package/windows-linked.exe
for library in libdcs.dll.a dcs.lib; do
    $mingw-gcc-win32 -std=c99 -I "$tree/include" -o "$linked" tests/c/contract.c "$tree/lib/$library"
    headers=$($mingw-objdump --private-headers "$linked")
    grep -q 'DLL Name: dcs.dll' <<<"$headers" || fail "a program that links with $library does not need dcs.dll"
done
rm "$linked"
