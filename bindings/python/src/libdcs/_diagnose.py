"""The diagnosis."""

from __future__ import annotations

from functools import partial

from . import _log, _report
from ._call import interruptible
from ._config import Config

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    import os


def diagnose(
    *,
    url: str | None = None,
    ca_bundle: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
    certificate: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
    private_key: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
    password: str | None = None,
    timeout: float = 30.0,
    connect_timeout: float = 10.0,
    proxy: str | None = None,
    reload_interval: float | None = None,
    honour_retry_after: bool = False,
    status_max_age: float | None = None,
) -> _report.Report:
    """Check everything from the files to the service's response, and report what is wrong.

    Takes the arguments of `Client`, including those that `Client` rejects: a missing file, a key that does
    not match the certificate or an expired certificate is a finding of the report. All other checks are still
    made. `reload_interval`, `honour_retry_after` and `status_max_age` have no effect: a diagnosis always
    makes one call.

    Connects to the service and makes the status call, within `timeout` and `connect_timeout`. Releases the
    GIL meanwhile. On the main thread a signal handler that raises, such as that of Ctrl-C, ends it. Reads the
    three files, and the CA certificates that this machine trusts if the server's certificate is not trusted.
    Writes nothing.

    Raises:
        ConfigError: An option is invalid, such as a URL that is not https. Nothing was sent.
        TypeError: A value is of the wrong type.
    """
    options = {**locals()}  # The parameters. A copy, because a debugger may add to the original.
    with Config() as config:
        config.fill(options)
        return _run(config)


def diagnose_from_env() -> _report.Report:
    """Diagnose what the environment variables `DCS_*` configure, as `Client.from_env` reads them.

    Otherwise the same as `diagnose`.
    """
    with Config() as config:
        config.load_env()
        return _run(config)


def _run(config: Config) -> _report.Report:
    _log.prepare()
    try:
        return interruptible(partial(_make, config))
    finally:
        _log.drain()


def _make(config: Config, cancellation: int | None) -> _report.Report:
    return _report.take(config.diagnose(cancellation))
