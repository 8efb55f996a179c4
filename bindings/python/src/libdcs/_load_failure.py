"""Explains why a file cannot be loaded as the shared library. Imported only after a failure."""

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


def explain_file(path: str, error: OSError) -> str:
    """Explain why a file could not be loaded; falls back to the system's message."""
    has_directory = os.path.dirname(path) != ""
    return (has_directory and _file_problem(path)) or _explain_message(path, has_directory, str(error))


def explain_library(path: str, error: WrongLibraryError) -> str:
    """Explain why a library that loads does not fit this binding."""
    if error.function == "dcs_abi_version" and error.abi_version == ABI_VERSION:
        return f"it is not libdcs: it has no function {error.function}"
    library = _version(error.library)
    if os.path.dirname(path) == "":
        # The system looked it up, and the user needs to know where it lies.
        library += f" in {_file_of(error.library.dcs_abi_version)}"
    if error.abi_version != ABI_VERSION:
        return (
            f"it is {library} with ABI version {error.abi_version}, but {_binding()} needs ABI version "
            f"{ABI_VERSION}; use a binding and a library of the same release"
        )
    return f"it is {library}, older than {_binding()}: it has no function {error.function}"


def advice(path: str) -> str:
    """Return what to do about a package whose library, at this path, cannot be loaded."""
    what = "Reinstall libdcs with pip for this Python and this system"
    if _archive(path):
        what = "Unpack the zip file and start the program from the folder"
    elif _is_frozen():
        what = "Build the program again with the library"
    return f"{what}, or set LIBDCS_PATH to the full path of {os.path.basename(path)}."


def _archive(path: str) -> str | None:
    """Return the file, such as a zip file, in which a path leads on as if it were a directory."""
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        if os.path.isfile(path):
            return path
    return None


def _is_frozen() -> bool:
    """Return whether PyInstaller or a similar tool has made the program."""
    return bool(getattr(sys, "frozen", False))


def _file_of(function: Any) -> str:
    """Return the file that a function was loaded from."""

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
    except (AttributeError, OSError, TypeError):  # Windows has no dladdr().
        found = 0
    return os.fsdecode(info.file) if found and info.file else "an unknown directory"


def _binding() -> str:
    try:
        return f"this binding ({metadata.version('libdcs')})"
    except metadata.PackageNotFoundError:
        return "this binding"


def _version(library: Any) -> str:
    try:
        function = library.dcs_version
    except AttributeError:
        return "a libdcs of unknown version"
    function.restype, function.argtypes = ctypes.c_char_p, ()
    value = function()
    return f"libdcs {value.decode(errors='replace')}" if value else "a libdcs of unknown version"


def _file_problem(path: str) -> str | None:
    """Return what is wrong with a file as far as can be seen without loading it."""
    if not os.path.exists(path):
        if os.path.islink(path):
            return f"it is a broken link to {os.readlink(path)}"
        archive = _archive(path)
        if archive:
            return f"it would be in {archive}, but no library can be loaded from within a zip file"
        if _is_frozen():
            return "the program was built without it (with PyInstaller: add --collect-binaries libdcs)"
        return "there is no such file"
    if os.path.isdir(path):
        return "it is a directory; the library's file is needed"
    try:
        target = _target(path)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if target is None:
        return f"it is not a shared library, or only the beginning of one ({os.path.getsize(path)} bytes)"
    here = _target_of_python()
    if here is not None and target != here:
        return f"it is a library for {target}, but this Python is for {here}"
    return None


def _target_of_python() -> str | None:
    """Return what this Python was built for; the kernel may run programs for other processors too."""
    try:
        return _target("/proc/self/exe" if sys.platform == "linux" else sys.executable)
    except OSError:
        return None


def _target(path: str) -> str | None:
    """Return the system and processor that a program or library is for; None if the file is neither."""
    with open(path, "rb") as file:
        start = file.read(64)
        if start.startswith(b"\x7fELF") and len(start) == 64:
            order = "little" if start[5] == 1 else "big"
            machine = int.from_bytes(start[18:20], order)  # type: ignore[arg-type]
            # The width too: x32 programs are for x86-64 and have 32 bits.
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


def _explain_message(path: str, has_directory: bool, message: str) -> str:
    """Explain the dynamic loader's message."""
    # PyPy begins it with a message of its own, and then with the path again.
    message = message.removeprefix(f"Cannot load library {path}: ").removeprefix(f"{path}: ")
    glibc = sorted(re.findall(r"version `GLIBC_([0-9.]+)' not found", message), key=_numbers)
    if glibc:
        return f"it needs glibc {glibc[-1]} or newer, but this system has {_glibc()} ({message})"
    missing = re.match(r"([^/:]+): cannot open shared object file: No such file", message)
    if missing and missing[1] != path:
        return f"it needs {missing[1]}, which is not installed ({message})"
    if not has_directory and "No such file or directory" in message:
        return "the system's search path has no such library (see ldconfig -p, LD_LIBRARY_PATH)"
    if "failed to map segment" in message:
        return f"its directory is mounted noexec, or a security policy forbids loading from it ({message})"
    return message


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def _glibc() -> str:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").replace("glibc ", "") or "none"
    except (AttributeError, ValueError, OSError):
        return "none"
