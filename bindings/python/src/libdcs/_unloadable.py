"""Why a file cannot be loaded as the shared library, in words. Imported only where that has happened."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib import metadata

from ._native import ABI_VERSION

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any

    from ._native import WrongLibraryError

_ELF_MACHINES = {3: "x86", 21: "POWER", 22: "S/390", 40: "ARM", 62: "x86-64", 183: "ARM64", 243: "RISC-V"}
_PE_MACHINES = {0x14C: "x86", 0x8664: "x86-64", 0xAA64: "ARM64"}
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SYSTEMS = {"win32": "Windows", "darwin": "macOS"}


def reason(path: str, error: OSError) -> str:
    """Say why the file could not be loaded, with the system's words where there are none that say more."""
    named = os.path.dirname(path) != ""
    return (named and _fault_of_file(path)) or _explained(path, named, str(error))


def unfit(path: str, error: WrongLibraryError) -> str:
    """Say what a library is that loads but is not for this binding."""
    if error.function == "dcs_abi_version" and error.abi_version == ABI_VERSION:
        return f"it is not libdcs: it has no function {error.function}"
    what = _version_of(error.library)
    if os.path.dirname(path) == "":
        # The system found it, and where is what one wants to know.
        what += f" in {_file_of(error.library.dcs_abi_version)}"
    if error.abi_version != ABI_VERSION:
        return (
            f"it is {what} with ABI version {error.abi_version}, and {_binding()} needs ABI version "
            f"{ABI_VERSION}; use a binding and a library of the same release"
        )
    return f"it is {what}, older than {_binding()}: it has no function {error.function}"


def _file_of(function: Any) -> str:
    """Return the file that a function was loaded from, where the system tells."""

    class Info(ctypes.Structure):
        _fields_ = (
            ("file", ctypes.c_char_p),
            ("base", ctypes.c_void_p),
            ("name", ctypes.c_char_p),
            ("address", ctypes.c_void_p),
        )

    info = Info()
    try:
        found = ctypes.CDLL(None).dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info))
    except (AttributeError, OSError, TypeError):  # Windows
        found = 0
    return os.fsdecode(info.file) if found and info.file else "a folder that the system does not tell"


def _binding() -> str:
    try:
        return f"this binding ({metadata.version('libdcs')})"
    except metadata.PackageNotFoundError:
        return "this binding"


def _version_of(library: Any) -> str:
    try:
        function = library.dcs_version
    except AttributeError:
        return "a libdcs that does not tell its version"
    function.restype, function.argtypes = ctypes.c_char_p, ()
    value = function()
    return f"libdcs {value.decode(errors='replace')}" if value else "a libdcs that does not tell its version"


def _fault_of_file(path: str) -> str | None:
    """What is wrong with a file as one can see without loading it."""
    if not os.path.exists(path):
        if os.path.islink(path):
            return f"it is a link to {os.readlink(path)}, which is not there"
        return "there is no such file"
    if os.path.isdir(path):
        return "it is a folder, and the library's file is asked for"
    try:
        is_for = _built_for(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    here = _here()
    if is_for is None:
        return f"it is no library of any system, or a part of one ({os.path.getsize(path)} bytes)"
    if here is not None and is_for != here:
        return f"it is a library for {is_for}, and this Python is for {here}"
    return None


def _here() -> str | None:
    """What this Python was built for: the kernel may be for more than that."""
    try:
        return _built_for("/proc/self/exe" if sys.platform == "linux" else sys.executable)
    except OSError:
        return None


def _built_for(path: str) -> str | None:
    """The system and the processor that a program or library is for, or None where it is neither."""
    with open(path, "rb") as file:
        start = file.read(64)
        if start.startswith(b"\x7fELF") and len(start) == 64:
            order = "little" if start[5] == 1 else "big"
            machine = int.from_bytes(start[18:20], order)  # type: ignore[arg-type]
            # 32-bit programs for x86-64 exist too (x32).
            width = 32 if start[4] == 1 else 64
            return f"Linux on {width}-bit {_ELF_MACHINES.get(machine, f'machine {machine}')}"
        if start.startswith(b"MZ") and len(start) == 64:
            file.seek(int.from_bytes(start[60:64], "little"))
            header = file.read(6)
            if header.startswith(b"PE\0\0"):
                machine = int.from_bytes(header[4:6], "little")
                return f"Windows on {_PE_MACHINES.get(machine, f'machine {machine:#x}')}"
        if start[:4] in _MACH_O:
            return "macOS"
    return None


def _explained(path: str, named: bool, words: str) -> str:
    """What the system's words mean."""
    # PyPy says that it cannot, and then both why.
    words = words.removeprefix(f"Cannot load library {path}: ").removeprefix(f"{path}: ")
    glibc = sorted(re.findall(r"version `GLIBC_([0-9.]+)' not found", words), key=_numbers)
    if glibc:
        return f"it needs glibc {glibc[-1]} or newer, and this system has {_glibc()} ({words})"
    missing = re.match(r"([^/:]+): cannot open shared object file: No such file", words)
    if missing and missing[1] != path:
        return f"it needs {missing[1]}, which is not installed ({words})"
    if not named and "No such file or directory" in words:
        return "the system has no library of that name where it looks (ldconfig -p, LD_LIBRARY_PATH)"
    if "failed to map segment" in words:
        return f"its folder is mounted noexec, or a security policy forbids to load from it ({words})"
    return words


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def _glibc() -> str:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").replace("glibc ", "") or "none"
    except (AttributeError, ValueError, OSError):
        return "none"
