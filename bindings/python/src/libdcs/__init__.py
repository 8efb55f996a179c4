"""Client of the UK Document Checking Service (DCS), over mutual TLS.

::

    import libdcs

    with libdcs.Client(
        ca_bundle="ca-bundle.pem", certificate="client.pem", private_key="client.key"
    ) as client:
        status = client.status()

    if status.available:
        print("the DCS is available")
    else:
        print("the DCS is not available:", status.message)
    for outage in status.scheduled_outages:
        print("planned outage:", outage.start, "to", outage.end, outage.message or "")

`Client` makes the call and `Status` is its result. Every failure is a `DcsError`, whose text says how to fix
it and whose documentation shows the tree of exceptions. Create one client and keep it: any number of threads
may share it, and so may processes that are forked from its own. Ctrl-C ends a call on the main thread.
Durations are in seconds, points in time are aware datetimes in UTC.

`diagnose` takes the arguments of `Client`, including those that `Client` rejects, and returns a `Report` of
what is wrong. `convert_key` converts a private key to PKCS#8 in DER.

The library logs to Python's `logging`, under the loggers `libdcs.client`, `.files`, `.dns`, `.tcp`, `.proxy`,
`.tls`, `.http` and `.log`::

    logging.basicConfig()
    logging.getLogger("libdcs").setLevel(logging.DEBUG)

WARNING is for what needs attention, such as a client certificate that expires soon. INFO has a line for each
call and diagnosis, DEBUG one for each step of it, such as those of the TLS handshake, and level 5 the number
of bytes read and written. A failed call is logged at INFO and not at ERROR, because it raises. A program that
has not configured `logging` sees nothing. The process has one log: if several threads make calls, one may
pass on the records of another. No record holds a key, a password or another secret.

The package loads the shared library of libdcs: the file in `$LIBDCS_PATH` if that is set, else the one in
this package, else the system's `libdcs.so.0` (`dcs.dll`). Importing raises `LoadError`, an `ImportError`, if
there is none or it has another ABI version.
"""

from ._client import Client
from ._code import Code
from ._diagnose import diagnose, diagnose_from_env
from ._error import ClosedError, ConfigError, DcsError, NetworkError, ServiceError, TlsError
from ._key import convert_key
from ._limits import Quota, RateLimit
from ._native import LoadError, api
from ._report import Finding, Report, Step
from ._status import Connection, Outage, Status

__all__ = [
    "Client",
    "ClosedError",
    "Code",
    "ConfigError",
    "Connection",
    "DcsError",
    "Finding",
    "LoadError",
    "NetworkError",
    "Outage",
    "Quota",
    "RateLimit",
    "Report",
    "ServiceError",
    "Status",
    "Step",
    "TlsError",
    "__version__",
    "convert_key",
    "diagnose",
    "diagnose_from_env",
]

__version__: str = api.dcs_version().decode()
"""The version of the loaded library, such as "0.1.0"."""

for _name in __all__:
    if callable(globals()[_name]):
        # So that tracebacks and pickles name libdcs.TlsError without its private module.
        globals()[_name].__module__ = __name__
del _name
