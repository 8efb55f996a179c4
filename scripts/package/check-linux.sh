#!/usr/bin/env bash
# Checks the built Linux files, and reports everything that is wrong with them.
#
#     check-linux.sh TREE DEBUG GLIBC
#
# TREE is an installation's prefix, DEBUG the folder of the debug information, GLIBC the newest glibc version allowed.
# shellcheck source=scripts/package/common.sh
. "$(dirname "$0")/common.sh"
tree=$1 debug=$2 glibc=$3
library=$tree/lib/libdcs.so
wrong=0

complain() {
    echo "check-linux.sh: $*" >&2
    wrong=1
}

[ "$(readlink "$tree/lib/libdcs.so")" = libdcs.so.0 ] || complain 'libdcs.so does not link to libdcs.so.0'
readelf --dynamic --wide "$library" | grep -qF 'Library soname: [libdcs.so.0]' ||
    complain 'the SONAME is not libdcs.so.0'
readelf --dynamic --wide "$library" | grep -qw NODELETE || complain 'the library can be unloaded (no -z nodelete)'

exported=$(nm --dynamic --defined-only --format=posix "$library" | cut -d' ' -f1 | sort)
foreign=$(grep -v '^dcs_' <<<"$exported" || true)
[ -z "$foreign" ] || complain "the library exports symbols other than its functions: $foreign"
declared=$(declared_functions)
[ "$(grep '^dcs_' <<<"$exported")" = "$declared" ] ||
    complain "exported and declared functions differ: $(diff <(echo "$exported") <(echo "$declared") | grep '^[<>]')"

for file in "$library" "$tree/bin/dcs"; do
    dynamic=$(readelf --dynamic --program-headers --wide "$file")
    { grep -q GNU_RELRO <<<"$dynamic" && grep -q 'BIND_NOW\|Flags:.* NOW' <<<"$dynamic"; } ||
        complain "$file: no full RELRO"
    grep 'GNU_STACK' <<<"$dynamic" | grep -q ' RW  *0' || complain "$file: the stack is executable"
    ! grep -q ' RWE \|(TEXTREL)' <<<"$dynamic" || complain "$file: memory is both writable and executable"
    ! grep -q '(RPATH)\|(RUNPATH)' <<<"$dynamic" || complain "$file: has an RPATH"
    [[ $(readelf --file-header "$file") == *'DYN ('* ]] || complain "$file: not position independent"
    needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' <<<"$dynamic")
    others=$(grep -vx -e 'lib\(c\|m\|dl\|pthread\|rt\|util\)\.so\.[0-9]*' \
        -e 'ld-linux-x86-64\.so\.2' <<<"$needed" || true)
    [ -z "$others" ] || complain "$file needs more than the C library: $others"
    newest=$(nm --dynamic --undefined-only "$file" | sed -n 's/.*@GLIBC_\([0-9.]*\)$/\1/p' |
        sort --version-sort | tail -1)
    [ "$(printf '%s\n' "$newest" "$glibc" | sort --version-sort | tail -1)" = "$glibc" ] ||
        complain "$file needs glibc $newest: $(nm --dynamic --undefined-only "$file" | grep -F "@GLIBC_$newest")"
    imported=$(nm --dynamic --undefined-only "$file")
    { grep -q __stack_chk_fail <<<"$imported" && grep -q '__[a-z]*_chk@' <<<"$imported"; } ||
        complain "$file: the C code has no stack protector, or unchecked functions"
    ! readelf --sections --wide "$file" | grep -q ' \.\(symtab\|debug_info\) ' || complain "$file is not stripped"
    id=$(readelf --notes "$file" | sed -n 's/.*Build ID: //p')
    [ -s "$debug/.build-id/${id:0:2}/${id:2}.debug" ] || complain "$file: its debug information is missing"
    readelf --string-dump=.gnu_debuglink "$file" | grep -qF "${id:2}.debug" || complain "$file: no debug link"
done

# No path of the build machine in the shipped files or the debug information.
places=(-e "$PWD" -e "${CARGO_TARGET_DIR:-$PWD}" -e "${CARGO_HOME:-$HOME/.cargo}" -e "$(rustc --print sysroot)")
mapfile -t debug_files < <(find "$debug" -name '*.debug')
for file in "$library" "$tree/lib/libdcs.a" "$tree/bin/dcs" "${debug_files[@]}"; do
    case $file in *.debug) objcopy --decompress-debug-sections "$file" "$debug/whole" && file=$debug/whole ;; esac
    found=$(strings --all "$file" | grep -F "${places[@]}" | sort -u | head -3 || true)
    [ -z "$found" ] || complain "$file contains paths of this machine: $found"
done

# The SBOM has every crate that the debug information names.
library_debug=$debug/.build-id/$(readelf --notes "$library" | sed -n 's|.*Build ID: \(..\)\(.*\)|\1/\2|p').debug
objcopy --decompress-debug-sections "$library_debug" "$debug/whole"
crates=$(strings --all "$debug/whole" |
    sed -n 's|^/cargo/registry/\([^/]*\)-\([0-9][^/]*\)/.*|pkg:cargo/\1@\2|p' | sort -u)
rm -f "$debug/whole"
[ "$(wc -l <<<"$crates")" -gt 20 ] || complain 'the debug information names hardly any crate'
for crate in $crates; do
    grep -qF "\"$crate\"" "$tree/share/doc/libdcs/libdcs.cdx.json" || complain "the SBOM lacks $crate"
done
exit $wrong
