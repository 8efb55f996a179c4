"""Client of the UK Document Checking Service (DCS), over mutual TLS.

::

    import libdcs

    with libdcs.Client(
        ca_bundle="ca-bundle.pem", certificate="client.crt", private_key="client.key"
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
threads share it. Times are in seconds, instants are aware datetimes in UTC.

The work is done by the shared library of libdcs, which is looked for in `$LIBDCS_PATH` if that is set,
else in this package, else where the system finds `libdcs.so.0` (`dcs.dll`). Importing raises
`LoadError`, an `ImportError`, where there is none or it has another ABI version.
"""

from ._client import Client
from ._code import Code
from ._error import ClosedError, ConfigError, DcsError, NetworkError, ServiceError, TlsError
from ._native import LoadError, api
from ._status import Connection, Outage, Quota, RateLimit, Status

__all__ = [
    "Client",
    "ClosedError",
    "Code",
    "ConfigError",
    "Connection",
    "DcsError",
    "LoadError",
    "NetworkError",
    "Outage",
    "Quota",
    "RateLimit",
    "ServiceError",
    "Status",
    "TlsError",
    "__version__",
]

__version__: str = api.dcs_version().decode()
"""The version of the loaded library, such as "0.1.0"."""

for _name in __all__:
    if isinstance(globals()[_name], type):
        # Tracebacks and pickles name libdcs.TlsError, not the private module it lives in.
        globals()[_name].__module__ = __name__
del _name
