"""The application's configuration: what `manage.py check` says about the DCS's files."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks

import libdcs


class ChecksConfig(AppConfig):
    """Registers the checks below."""

    name = "checks"

    def ready(self) -> None:
        """Once Django is set up. No client is made here: every command of manage.py comes by."""
        checks.register(files)
        checks.register(diagnosis, deploy=True)


def files(**_: Any) -> list[checks.CheckMessage]:
    """Whether a client can be made: at each start of the development server, and in `manage.py check`."""
    try:
        libdcs.Client.from_env().close()
    except libdcs.ConfigError as error:
        return [checks.Error(error.message, hint=error.hint, id="dcs.E001")]
    return []


def diagnosis(**_: Any) -> list[checks.CheckMessage]:
    """Whether calls succeed, from the files to the service's answer: in `manage.py check --deploy`."""
    try:
        report = libdcs.diagnose_from_env()
    except libdcs.ConfigError:
        return []  # files() has said so.
    kinds = {"error": checks.Error, "warning": checks.Warning}
    return [
        kinds[finding.severity](f"{finding.check}: {finding.message}", hint=finding.advice, id="dcs.E002")
        for finding in report.findings
        if finding.outcome == "failed" and finding.severity in kinds
    ]
