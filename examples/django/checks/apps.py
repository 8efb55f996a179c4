"""The application's configuration, with checks of the DCS's files for `manage.py check`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks

import libdcs


class ChecksConfig(AppConfig):
    """Registers the checks below."""

    name = "checks"

    def ready(self) -> None:
        """Register the checks. Creates no client, because every command of manage.py calls this."""
        checks.register(files)
        checks.register(diagnosis, deploy=True)


def files(**_: Any) -> list[checks.CheckMessage]:
    """Check that a client can be created, when the development server starts and in `manage.py check`."""
    try:
        libdcs.Client.from_env().close()
    except libdcs.ConfigError as error:
        return [checks.Error(error.message, hint=error.hint, id="dcs.E001")]
    return []


def diagnosis(**_: Any) -> list[checks.CheckMessage]:
    """Check that calls succeed, from the files to the service's answer, in `manage.py check --deploy`."""
    try:
        report = libdcs.diagnose_from_env()
    except libdcs.ConfigError:
        return []  # files() reports it.
    kinds = {"error": checks.Error, "warning": checks.Warning}
    return [
        kinds[finding.severity](f"{finding.check}: {finding.message}", hint=finding.advice, id="dcs.E002")
        for finding in report.findings
        if finding.outcome == "failed" and finding.severity in kinds
    ]
