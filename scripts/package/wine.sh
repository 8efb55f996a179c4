#!/usr/bin/env bash
# Runs a Windows program under Wine, with all that is Wine's own below the target folder:
#
#     wine.sh PROGRAM [ARGUMENT...]
#     wine.sh --prepare    makes the Windows that it runs in
#     wine.sh --end        ends what still runs there
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
# Debian has it outside of PATH.
wine=/usr/lib/wine/wine64
export WINEPREFIX=$target/wine WINEDEBUG=${WINEDEBUG:--all} WINEARCH=win64
# Else it asks whether to download what programs in .NET and with web pages need.
export WINEDLLOVERRIDES='mscoree,mshtml='
# For file names beyond ASCII.
export LC_ALL=C.UTF-8

case ${1:-} in
--prepare)
    "$wine" wineboot --init
    /usr/lib/wine/wineserver64 --wait
    # Wine 8 has no bcryptprimitives.dll, of which Rust's standard library takes one function.
    printf '%s\n' 'LIBRARY bcryptprimitives.dll' 'EXPORTS' '    ProcessPrng' >"$WINEPREFIX/stub.def"
    printf '%s\n' '#include <windows.h>' \
        'BOOLEAN NTAPI SystemFunction036(void *to, ULONG count);' \
        'BOOL WINAPI ProcessPrng(unsigned char *to, size_t count) {' \
        '    return SystemFunction036(to, (ULONG)count);' \
        '}' >"$WINEPREFIX/stub.c"
    x86_64-w64-mingw32-gcc-win32 -shared -nostartfiles -Wl,--entry=0 -o \
        "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" \
        "$WINEPREFIX/stub.c" "$WINEPREFIX/stub.def" -ladvapi32
    ;;
--end) /usr/lib/wine/wineserver64 --kill || true ;;
*)
    # Unix paths mean the drive that the working folder is on, which has to be the one of all files.
    exec "$wine" "$@"
    ;;
esac
