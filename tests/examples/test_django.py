"""Django."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import PROGRAMS, ROOT, Sandbox, Servers

COMMAND = ("gunicorn", "project.wsgi", "--bind=127.0.0.1:")
SECRET = {"DJANGO_SECRET_KEY": "only-for-this-test"}


def manage(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT / "examples" / "django",
        env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **SECRET, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_it_answers(serve: Servers, sandbox: Sandbox) -> None:
    server = serve("django", *COMMAND, live="/health/dcs", **sandbox.settings, **SECRET)
    assert server.json("/health/dcs") == (200, {"available": True, "message": None})


def test_an_outage_and_an_error_are_503(serve: Servers, sandbox: Sandbox) -> None:
    for answer, words in [("planned-outage", "Planned outage"), ("over-capacity", "DCS_ERR_UNAVAILABLE")]:
        url = f"{sandbox.settings['DCS_URL']}?answer={answer}"
        settings = {**sandbox.settings, **SECRET, "DCS_URL": url}
        server = serve("django", *COMMAND, live="/health/dcs", **settings)
        status, _, body = server.get("/health/dcs")
        assert status == 503
        assert words in body


def test_checks_tell_what_is_wrong_with_the_files(sandbox: Sandbox) -> None:
    assert manage("check", **sandbox.settings).returncode == 0
    wrong = {**sandbox.settings, "DCS_PRIVATE_KEY": str(sandbox.folder / "wrong-client.key")}
    result = manage("check", **wrong)
    assert result.returncode == 1
    assert "dcs.E001" in result.stderr
    assert "HINT: Pair the certificate" in result.stderr


def test_the_deployment_check_asks_the_service(sandbox: Sandbox) -> None:
    expired = {
        "DCS_CERTIFICATE": str(sandbox.folder / "expired-client.pem"),
        "DCS_PRIVATE_KEY": str(sandbox.folder / "client.key"),
    }
    assert manage("check", **{**sandbox.settings, **expired}).returncode == 0
    result = manage("check", "--deploy", **{**sandbox.settings, **expired})
    assert result.returncode == 1
    assert "DCS_CHECK_CERT_NOT_EXPIRED" in result.stderr


def test_commands_need_no_certificate(sandbox: Sandbox) -> None:
    assert manage("diffsettings").returncode == 0
