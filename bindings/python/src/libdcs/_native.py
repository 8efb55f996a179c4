"""Finds, checks and loads the shared library."""

from __future__ import annotations

import ctypes
import os
import sys

from ._functions import FUNCTIONS

# Known to type checkers by its name; importing typing itself takes longer than the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ABI_VERSION = 1
"""The `dcs_abi_version()` that `FUNCTIONS` describes."""

# The functions that read files, wait for the network or derive a key from a password release the GIL. All
# others only touch memory and keep it: releasing it between two accessors would hand the processor to another
# thread each time. dcs_config_load_env keeps it too, so that no assignment to os.environ can run while it
# reads the environment. Free-threaded CPython and PyPy have no such protection; the README says so.
RELEASES_GIL = frozenset(
    {
        "dcs_client_new",
        "dcs_client_reload",
        "dcs_client_free",
        "dcs_status",
        "dcs_status_until",
        "dcs_diagnose",
        "dcs_diagnose_until",
        "dcs_private_key_to_pkcs8_der",
        "dcs_private_key_file_to_pkcs8_der",
    }
)

GilHoldingDLL: Any = getattr(ctypes, "PyDLL", ctypes.CDLL)
"""Keeps the GIL in its calls, except on PyPy, which cannot."""

_FILE_NAME, _SYSTEM_NAME = {
    "win32": ("dcs.dll", "dcs.dll"),
    "darwin": ("libdcs.dylib", "libdcs.0.dylib"),
}.get(sys.platform, ("libdcs.so", "libdcs.so.0"))


class LoadError(ImportError):
    """The shared library cannot be loaded; raised by `import libdcs`.

    `tried` holds one line for each place: its path and the reason.
    """

    def __init__(self, message: str, tried: tuple[str, ...] = ()) -> None:
        """Create an error from its full message and the places tried."""
        super().__init__(message, name="libdcs")
        self.tried = tried


class Api:
    """The functions of one library file as attributes."""

    __slots__ = tuple(FUNCTIONS)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, path: str) -> None:
        """Load the file; raises OSError if that fails, WrongLibraryError if it is not the right library."""
        missing = _missing_bytes(path)
        if missing:
            raise OSError(f"the file is truncated: its last {missing} bytes are missing")
        releasing_gil = ctypes.CDLL(path)
        holding_gil = GilHoldingDLL(path, handle=releasing_gil._handle)
        # First of all: a library with another ABI may well have functions of the same names.
        abi_version = _function(releasing_gil, "dcs_abi_version")()
        if abi_version != ABI_VERSION:
            raise WrongLibraryError(releasing_gil, "dcs_abi_version", abi_version)
        for name, (result, parameters) in FUNCTIONS.items():
            function = _function(releasing_gil if name in RELEASES_GIL else holding_gil, name)
            function.restype = result
            function.argtypes = parameters
            setattr(self, name, function)


def _function(library: ctypes.CDLL, name: str) -> Any:
    try:
        return getattr(library, name)
    except AttributeError:
        raise WrongLibraryError(library, name) from None


class WrongLibraryError(Exception):
    """A library that loads but does not fit this binding."""

    def __init__(self, library: ctypes.CDLL, function: str, abi_version: int = ABI_VERSION) -> None:
        """Note which function is missing, or which ABI version the library has."""
        super().__init__()
        self.library = library
        self.function = function
        self.abi_version = abi_version


def _missing_bytes(path: str) -> int:
    """Return how many bytes an ELF file lacks by its header; loading such a file raises SIGBUS."""
    if not os.path.dirname(path):
        return 0  # The system looks it up; a file of that name in the working directory is another one.
    try:
        with open(path, "rb") as file:
            header = file.read(64)
            size = os.fstat(file.fileno()).st_size
    except OSError:  # ctypes reports it.
        return 0
    if len(header) < 64 or not header.startswith(b"\x7fELF\x02\x01"):
        return 0
    # The section header table comes last: e_shoff, e_shentsize and e_shnum give its end.
    start, entry, count = (int.from_bytes(header[a:b], "little") for a, b in ((40, 48), (58, 60), (60, 62)))
    return max(0, start + entry * count - size)


def load() -> Api:
    """Load `$LIBDCS_PATH` if that is set, else the file in the package, else the system's library."""
    override = os.environ.get("LIBDCS_PATH")
    if override:
        # A caller who names a library wants that one: falling back silently would hide a mistake.
        # The absolute path, because the system would look up a name without a directory.
        places = {os.path.abspath(override): "from LIBDCS_PATH"}
        advice = "Correct LIBDCS_PATH, or unset it to use the library in the package."
    else:
        # The system's library comes last: it may be older, and the package was tested with its own.
        places = {
            os.path.join(os.path.dirname(os.path.abspath(__file__)), _FILE_NAME): "in the package",
            _SYSTEM_NAME: "the system's",
        }
        advice = ""
    tried = []
    for path, origin in places.items():
        try:
            return Api(path)
        except (OSError, WrongLibraryError) as error:
            tried.append(f"{path} ({origin}): {_reason(path, error)}")
    from . import _load_failure

    advice = advice or _load_failure.advice(next(iter(places)))
    lines = "".join(f"\n  {line}" for line in tried)
    raise LoadError(f"the shared library of libdcs cannot be loaded; tried:{lines}\n{advice}", tuple(tried))


def _reason(path: str, error: OSError | WrongLibraryError) -> str:
    from . import _load_failure

    if isinstance(error, OSError):
        return _load_failure.explain_file(path, error)
    return _load_failure.explain_library(path, error)


api = load()


def text(value: bytes | None) -> str | None:
    """Decode text of the library, which is always UTF-8."""
    return None if value is None else value.decode()
