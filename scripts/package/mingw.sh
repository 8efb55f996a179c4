# Sourced after common.sh by the scripts that build for Windows: the compilers.
# shellcheck shell=bash

# shellcheck disable=SC2034 # Used by the scripts that source this file.
triple=x86_64-pc-windows-gnu
mingw=x86_64-w64-mingw32

# Debian's Rust has a package with the matching source of the standard library. RUSTC_BOOTSTRAP allows `-Z build-std` in
# cargo and the standard library's unstable features in rustc.
export RUSTC=${WINDOWS_RUSTC:-/usr/bin/rustc} RUSTC_BOOTSTRAP=1
rustc() {
    "$RUSTC" "$@"
}
# The MinGW variant with Windows' own threads: the other variant needs a DLL (libwinpthread).
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$mingw-gcc-win32 CC_x86_64_pc_windows_gnu=$mingw-gcc-win32
# Without the stack protector and the checked functions of .cargo/config.toml, which MinGW has in another DLL.
export AWS_LC_SYS_CFLAGS=-DNDEBUG
# Uses the prebuilt objects of aws-lc-sys, whether or not an assembler is installed.
export AWS_LC_SYS_PREBUILT_NASM=1
