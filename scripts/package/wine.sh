#!/usr/bin/env bash
# Runs a Windows program under Wine, with all of Wine's files below the target folder:
#
#     wine.sh PROGRAM [ARGUMENT...]
#     wine.sh --prepare    sets up the Windows environment
#     wine.sh --end        stops all programs in it
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
# Debian installs it outside PATH.
wine=/usr/lib/wine/wine64
export WINEPREFIX=$target/wine WINEDEBUG=${WINEDEBUG:--all} WINEARCH=win64
# Prevents the question whether to download support for .NET and web pages.
export WINEDLLOVERRIDES='mscoree,mshtml='
# For file names beyond ASCII.
export LC_ALL=C.UTF-8

case ${1:-} in
--prepare)
    "$wine" wineboot --init
    /usr/lib/wine/wineserver64 --wait
    # Wine 8 lacks bcryptprimitives.dll, of which Rust's standard library needs one function.
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
    # Unix paths refer to the drive of the working folder, so all files must be on that drive.
    exec "$wine" "$@"
    ;;
esac
