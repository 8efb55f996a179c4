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

`Client` makes the call, `Status` is the answer, and whatever goes wrong is a `DcsError` whose text says
what to do; its documentation draws the tree of exceptions. Make one client and keep it: any number of
threads share it, and so do processes that are forked from its own. Ctrl-C ends a call on the main thread.
Times are in seconds, instants are aware datetimes in UTC.

`diagnose` takes the arguments of `Client`, also those that no client can be made from, and its `Report`
says what is wrong. `convert_key` converts a private key to PKCS#8 in DER.

What the library does is told to Python's `logging`, under the loggers `libdcs.client`, `.files`, `.dns`,
`.tcp`, `.proxy`, `.tls`, `.http` and `.log`::

    logging.basicConfig()
    logging.getLogger("libdcs").setLevel(logging.DEBUG)

WARNING is what needs attention, such as a client certificate that expires soon; INFO a line for each call
and diagnosis; DEBUG each step of it, such as those of the TLS handshake; 5 the bytes read and written. A
call that failed is a line at INFO and not an ERROR, because it raises. A program that has not configured
`logging` sees nothing. The log is the process's: where threads call at once, one may hand on the records of
another. No key, password or other secret is told.

The work is done by the shared library of libdcs, which is looked for in `$LIBDCS_PATH` if that is set,
else in this package, else where the system finds `libdcs.so.0` (`dcs.dll`). Importing raises
`LoadError`, an `ImportError`, where there is none or it has another ABI version.
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
        # Tracebacks and pickles name libdcs.TlsError, not the private module it lives in.
        globals()[_name].__module__ = __name__
del _name
