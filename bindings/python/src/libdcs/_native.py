"""The shared library: finding it, checking it, and the one table of its functions."""

from __future__ import annotations

import ctypes
import os
import sys

TYPE_CHECKING = (
    False  # Known to type checkers by its name; importing typing itself takes longer than all this package.
)
if TYPE_CHECKING:
    from typing import Any

ABI_VERSION = 1
"""The `dcs_abi_version()` that this table describes."""

_CODE = ctypes.c_int32
_HANDLE = ctypes.c_void_p
_OUT = ctypes.POINTER(ctypes.c_void_p)
_TEXT = ctypes.c_char_p
_BYTES = ctypes.c_char_p
_SIZE = ctypes.c_size_t
_INT32 = ctypes.c_int32
_INT64 = ctypes.c_int64
_UINT32 = ctypes.c_uint32

# name: (result type, argument types). A test compares every line with include/dcs.h.
TABLE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # First, since it says whether the others are what they are taken for.
    "dcs_abi_version": (_UINT32, ()),
    "dcs_version": (_TEXT, ()),
    "dcs_code_name": (_TEXT, (_CODE,)),
    "dcs_code_hint": (_TEXT, (_CODE,)),
    "dcs_config_new": (_HANDLE, ()),
    "dcs_config_free": (None, (_HANDLE,)),
    "dcs_config_set_option": (_CODE, (_HANDLE, _TEXT, _TEXT, _OUT)),
    "dcs_config_set_url": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_set_ca_bundle_file": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_set_ca_bundle": (_CODE, (_HANDLE, _BYTES, _SIZE)),
    "dcs_config_set_certificate_file": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_set_certificate": (_CODE, (_HANDLE, _BYTES, _SIZE)),
    "dcs_config_set_private_key_file": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_set_private_key": (_CODE, (_HANDLE, _BYTES, _SIZE)),
    "dcs_config_set_private_key_password": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_set_connect_timeout_ms": (_CODE, (_HANDLE, _UINT32)),
    "dcs_config_set_timeout_ms": (_CODE, (_HANDLE, _UINT32)),
    "dcs_config_set_reload_interval_ms": (_CODE, (_HANDLE, _UINT32)),
    "dcs_config_set_honour_retry_after": (_CODE, (_HANDLE, _INT32)),
    "dcs_config_set_status_max_age_ms": (_CODE, (_HANDLE, _UINT32)),
    "dcs_config_set_proxy": (_CODE, (_HANDLE, _TEXT)),
    "dcs_config_load_env": (_CODE, (_HANDLE, _OUT)),
    "dcs_client_new": (_CODE, (_HANDLE, _OUT, _OUT)),
    "dcs_client_reload": (_CODE, (_HANDLE, _OUT)),
    "dcs_client_interrupt": (_CODE, (_HANDLE,)),
    "dcs_client_certificate_not_after_unix_ms": (_INT64, (_HANDLE,)),
    "dcs_client_free": (None, (_HANDLE,)),
    "dcs_cancellation_new": (_HANDLE, ()),
    "dcs_cancellation_cancel": (_CODE, (_HANDLE,)),
    "dcs_cancellation_set_descriptor": (_CODE, (_HANDLE, _INT32)),
    "dcs_cancellation_free": (None, (_HANDLE,)),
    "dcs_status": (_CODE, (_HANDLE, _OUT, _OUT)),
    "dcs_status_until": (_CODE, (_HANDLE, _HANDLE, _OUT, _OUT)),
    "dcs_status_response_available": (_INT32, (_HANDLE,)),
    "dcs_status_response_message": (_TEXT, (_HANDLE,)),
    "dcs_status_response_outage_count": (_SIZE, (_HANDLE,)),
    "dcs_status_response_outage_start": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_status_response_outage_end": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_status_response_outage_message": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_status_response_outage_start_unix_ms": (_INT64, (_HANDLE, _SIZE)),
    "dcs_status_response_outage_end_unix_ms": (_INT64, (_HANDLE, _SIZE)),
    "dcs_status_response_json": (_TEXT, (_HANDLE,)),
    "dcs_status_response_age_ms": (_INT64, (_HANDLE,)),
    "dcs_status_response_rate_limit": (_INT64, (_HANDLE,)),
    "dcs_status_response_rate_limit_remaining": (_INT64, (_HANDLE,)),
    "dcs_status_response_rate_limit_reset_ms": (_INT64, (_HANDLE,)),
    "dcs_status_response_quota_limit": (_INT64, (_HANDLE,)),
    "dcs_status_response_quota_remaining": (_INT64, (_HANDLE,)),
    "dcs_status_response_dns_us": (_INT64, (_HANDLE,)),
    "dcs_status_response_tcp_us": (_INT64, (_HANDLE,)),
    "dcs_status_response_tls_us": (_INT64, (_HANDLE,)),
    "dcs_status_response_first_byte_us": (_INT64, (_HANDLE,)),
    "dcs_status_response_total_us": (_INT64, (_HANDLE,)),
    "dcs_status_response_connection_reused": (_INT32, (_HANDLE,)),
    "dcs_status_response_tls_session_resumed": (_INT32, (_HANDLE,)),
    "dcs_status_response_tls_version": (_TEXT, (_HANDLE,)),
    "dcs_status_response_tls_cipher": (_TEXT, (_HANDLE,)),
    "dcs_status_response_free": (None, (_HANDLE,)),
    "dcs_diagnose": (_CODE, (_HANDLE, _OUT, _OUT)),
    "dcs_diagnose_until": (_CODE, (_HANDLE, _HANDLE, _OUT, _OUT)),
    "dcs_report_ok": (_INT32, (_HANDLE,)),
    "dcs_report_cause": (_INT32, (_HANDLE,)),
    "dcs_report_text": (_TEXT, (_HANDLE,)),
    "dcs_report_json": (_TEXT, (_HANDLE,)),
    "dcs_report_html": (_TEXT, (_HANDLE,)),
    "dcs_report_redacted": (_CODE, (_HANDLE, _OUT, _OUT)),
    "dcs_report_finding_count": (_SIZE, (_HANDLE,)),
    "dcs_report_finding_check": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_outcome": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_severity": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_subject": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_title": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_message": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_finding_advice": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_step_count": (_SIZE, (_HANDLE,)),
    "dcs_report_step_name": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_step_outcome": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_step_message": (_TEXT, (_HANDLE, _SIZE)),
    "dcs_report_step_us": (_INT64, (_HANDLE, _SIZE)),
    "dcs_report_free": (None, (_HANDLE,)),
    "dcs_private_key_to_pkcs8_der": (_CODE, (_BYTES, _SIZE, _TEXT, _OUT, _OUT)),
    "dcs_private_key_file_to_pkcs8_der": (_CODE, (_TEXT, _TEXT, _OUT, _OUT)),
    # An address: from a _BYTES result ctypes would read up to the first zero byte.
    "dcs_buffer_data": (_HANDLE, (_HANDLE,)),
    "dcs_buffer_len": (_SIZE, (_HANDLE,)),
    "dcs_buffer_free": (None, (_HANDLE,)),
    "dcs_error_code": (_CODE, (_HANDLE,)),
    "dcs_error_message": (_TEXT, (_HANDLE,)),
    "dcs_error_hint": (_TEXT, (_HANDLE,)),
    "dcs_error_check": (_TEXT, (_HANDLE,)),
    "dcs_error_http_status": (_INT32, (_HANDLE,)),
    "dcs_error_tls_alert": (_INT32, (_HANDLE,)),
    "dcs_error_os_code": (_INT32, (_HANDLE,)),
    "dcs_error_retryable": (_INT32, (_HANDLE,)),
    "dcs_error_retry_after_ms": (_INT64, (_HANDLE,)),
    "dcs_error_rate_limit": (_INT64, (_HANDLE,)),
    "dcs_error_rate_limit_remaining": (_INT64, (_HANDLE,)),
    "dcs_error_rate_limit_reset_ms": (_INT64, (_HANDLE,)),
    "dcs_error_quota_limit": (_INT64, (_HANDLE,)),
    "dcs_error_quota_remaining": (_INT64, (_HANDLE,)),
    "dcs_error_free": (None, (_HANDLE,)),
    "dcs_log_set_level": (_CODE, (_INT32,)),
    "dcs_log_next": (_CODE, (_OUT,)),
    "dcs_log_record_level": (_INT32, (_HANDLE,)),
    "dcs_log_record_target": (_TEXT, (_HANDLE,)),
    "dcs_log_record_text": (_TEXT, (_HANDLE,)),
    "dcs_log_record_time_unix_ms": (_INT64, (_HANDLE,)),
    "dcs_log_record_free": (None, (_HANDLE,)),
}

# The functions that read files, wait for the network or derive a key from a password let go of the
# interpreter lock. All others only touch memory and keep it: letting go between two accessors would
# hand the processor to another thread each time. dcs_config_load_env is among these, so that no
# os.environ assignment can run while it reads the environment.
WAITING = frozenset(
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

LockKeepingDLL: Any = getattr(ctypes, "PyDLL", ctypes.CDLL)
"""Keeps the interpreter lock in its calls, except on PyPy, which has no such thing."""

_FILE_NAME, _SYSTEM_NAME = {
    "win32": ("dcs.dll", "dcs.dll"),
    "darwin": ("libdcs.dylib", "libdcs.0.dylib"),
}.get(sys.platform, ("libdcs.so", "libdcs.so.0"))


class LoadError(ImportError):
    """The shared library cannot be loaded; raised by `import libdcs`.

    `tried` holds one line for each place: where it is, and what is wrong with it.
    """

    def __init__(self, message: str, tried: tuple[str, ...] = ()) -> None:
        """Make the error from its full message and the places tried."""
        super().__init__(message, name="libdcs")
        self.tried = tried


class Api:
    """The functions of `TABLE` as attributes, loaded from one file."""

    __slots__ = tuple(TABLE)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, path: str) -> None:
        """Load the file; OSError where it cannot be, WrongLibraryError where it is not the one."""
        missing = _missing_part(path)
        if missing:
            raise OSError(f"it is only a part of a library: the last {missing} bytes are missing")
        waiting = ctypes.CDLL(path)
        keeping_lock = LockKeepingDLL(path, handle=waiting._handle)
        for name, (result, arguments) in TABLE.items():
            try:
                function = getattr(waiting if name in WAITING else keeping_lock, name)
            except AttributeError:
                raise WrongLibraryError(waiting, name) from None
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)
            # The table begins with it: a library of another ABI may well have the same functions.
            if name == "dcs_abi_version" and function() != ABI_VERSION:
                raise WrongLibraryError(waiting, name, function())


class WrongLibraryError(Exception):
    """A library that loads but is not for this binding."""

    def __init__(self, library: ctypes.CDLL, function: str, abi_version: int = ABI_VERSION) -> None:
        """Say which function is missing, or which ABI version the library has."""
        super().__init__()
        self.library = library
        self.function = function
        self.abi_version = abi_version


def _missing_part(path: str) -> int:
    """How many bytes an ELF file is shorter than its header says; loading it would be a SIGBUS."""
    if not os.path.dirname(path):
        return 0  # A name that the system looks up: a file of that name in the working directory is another.
    try:
        with open(path, "rb") as file:
            header = file.read(64)
            size = os.fstat(file.fileno()).st_size
    except OSError:  # For ctypes to tell.
        return 0
    if len(header) < 64 or not header.startswith(b"\x7fELF\x02\x01"):
        return 0
    # The table of sections comes last: where it begins, and how many there are of which size.
    start, entry, count = (int.from_bytes(header[a:b], "little") for a, b in ((40, 48), (58, 60), (60, 62)))
    return max(0, start + entry * count - size)


def load() -> Api:
    """Load `$LIBDCS_PATH` if that is set, else the file in the package, else the system's library."""
    override = os.environ.get("LIBDCS_PATH")
    if override:
        # Whoever names a library wants that one: a silent second choice would hide the mistake.
        # The full path, because a name without a folder would be looked up among the system's.
        places = {os.path.abspath(override): "from LIBDCS_PATH"}
        advice = "Correct LIBDCS_PATH, or unset it to use the library in the package."
    else:
        # The system's comes last: it may be an older one, and this one was tested with this package.
        places = {
            os.path.join(os.path.dirname(os.path.abspath(__file__)), _FILE_NAME): "in the package",
            _SYSTEM_NAME: "the system's",
        }
        advice = (
            "Reinstall libdcs with pip for this Python and this system, or set LIBDCS_PATH to the full "
            f"path of {_FILE_NAME}."
        )
    tried = []
    for path, origin in places.items():
        try:
            return Api(path)
        except (OSError, WrongLibraryError) as error:
            tried.append(f"{path} ({origin}): {_reason(path, error)}")
    lines = "".join(f"\n  {line}" for line in tried)
    raise LoadError(f"the shared library of libdcs cannot be loaded; tried:{lines}\n{advice}", tuple(tried))


def _reason(path: str, error: OSError | WrongLibraryError) -> str:
    from . import _unloadable

    if isinstance(error, OSError):
        return _unloadable.reason(path, error)
    return _unloadable.unfit(path, error)


api = load()


def text(value: bytes | None) -> str | None:
    """Text from the library, which is always UTF-8."""
    return None if value is None else value.decode()
