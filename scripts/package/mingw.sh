# Sourced by the scripts that build for Windows, behind common.sh: the compilers.
# shellcheck shell=bash

# shellcheck disable=SC2034 # Used by those who source this.
triple=x86_64-pc-windows-gnu
mingw=x86_64-w64-mingw32

# Debian's Rust comes with the source of the standard library of the same version. The variable is for `-Z build-std` in
# cargo and the standard library's own features in rustc.
export RUSTC=${WINDOWS_RUSTC:-/usr/bin/rustc} RUSTC_BOOTSTRAP=1
rustc() {
    "$RUSTC" "$@"
}
# Of the two kinds of MinGW the one whose threads are Windows' own: the other one's need a DLL (libwinpthread).
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$mingw-gcc-win32 CC_x86_64_pc_windows_gnu=$mingw-gcc-win32
# The assembled objects that come with aws-lc-sys, whether or not an assembler is installed here.
export AWS_LC_SYS_PREBUILT_NASM=1
