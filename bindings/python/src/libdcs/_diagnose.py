"""The diagnosis."""

from __future__ import annotations

from functools import partial

from . import _log, _report
from ._call import until_signal
from ._config import Config

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    import os

    from ._call import Cancellation


def diagnose(
    *,
    url: str | None = None,
    ca_bundle: str | os.PathLike[str] | bytes | None = None,
    certificate: str | os.PathLike[str] | bytes | None = None,
    private_key: str | os.PathLike[str] | bytes | None = None,
    password: str | None = None,
    timeout: float = 30.0,
    connect_timeout: float = 10.0,
    proxy: str | None = None,
    reload_interval: float | None = None,
    honour_retry_after: bool = False,
    status_max_age: float | None = None,
) -> _report.Report:
    """Check everything from the files to the service's answer, and say what is wrong.

    Takes the arguments of `Client`, also those that no client can be made from: a file that is missing, a key
    that is not the certificate's or an expired certificate is a finding of the report, and every check that
    still can be made is made. `reload_interval`, `honour_retry_after` and `status_max_age` change nothing
    here: the diagnosis always asks the service, once.

    Connects to the service and makes the status call, within `timeout` and `connect_timeout`. The interpreter
    lock is released meanwhile, and on the main thread a signal handler that raises, such as that of Ctrl-C,
    ends it. Reads the three files and, where the server's certificate is not trusted, the CA certificates
    that this machine trusts; nothing is written.

    Raises:
        ConfigError: An option cannot be used, such as a URL that is not https. Nothing has been sent.
        TypeError: A value is of the wrong type.
    """
    config = Config()
    config.fill(
        url=url,
        ca_bundle=ca_bundle,
        certificate=certificate,
        private_key=private_key,
        password=password,
        timeout=timeout,
        connect_timeout=connect_timeout,
        proxy=proxy,
        reload_interval=reload_interval,
        honour_retry_after=honour_retry_after,
        status_max_age=status_max_age,
    )
    return _run(config)


def diagnose_from_env() -> _report.Report:
    """Check what the environment variables `DCS_*` say, as `Client.from_env` reads them.

    Does and raises what `diagnose` does.
    """
    config = Config()
    config.load_env()
    return _run(config)


def _run(config: Config) -> _report.Report:
    _log.prepare()
    try:
        return until_signal(partial(_make, config))
    finally:
        _log.drain()


def _make(config: Config, cancellation: Cancellation) -> _report.Report:
    # Whoever comes to its end has both for itself: a signal handler may have taken the caller away.
    with config:
        return _report.take(config.diagnose(cancellation))
