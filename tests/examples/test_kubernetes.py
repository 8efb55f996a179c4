"""The manifest: its form by Kubernetes' own schemas, and what it says by running it with its settings."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import libdcs
import yaml

from conftest import ROOT, Sandbox, Servers

MANIFEST = ROOT / "examples" / "kubernetes" / "dcs-status.yaml"


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8")))


def pod() -> dict[str, Any]:
    return next(d for d in documents() if d["kind"] == "Deployment")["spec"]["template"]["spec"]


def test_every_object_has_its_form() -> None:
    assert [document["kind"] for document in documents()] == ["Deployment", "Service"]
    for document in documents():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_labels_ports_and_volumes_belong_together() -> None:
    deployment, service = documents()
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    container = pod()["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    volumes = {volume["name"] for volume in pod()["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert all("subPath" not in mount for mount in container["volumeMounts"])


def test_nothing_is_asked_for_that_the_library_does_not_need() -> None:
    container = pod()["containers"][0]
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    grace = pod()["terminationGracePeriodSeconds"]
    config = (ROOT / "examples" / "flask" / "gunicorn.conf.py").read_text(encoding="utf-8")
    graceful = re.search(r"^graceful_timeout = (\d+)$", config, re.MULTILINE)
    assert graceful is not None
    assert int(graceful[1]) < grace


def test_it_runs_as_the_manifest_says(serve: Servers, sandbox: Sandbox, tmp_path: Path) -> None:
    container = pod()["containers"][0]
    mounted = tmp_path / "etc"
    # As a kubelet mounts a secret: links to a folder that a rename swaps.
    for folder, files in {
        "client": {"tls.crt": "client.pem", "tls.key": "client.key"},
        "ca": {"ca-bundle.pem": "ca-bundle.pem"},
    }.items():
        version = mounted / folder / "..1"
        version.mkdir(parents=True)
        (mounted / folder / "..data").symlink_to("..1")
        for name, source in files.items():
            shutil.copy(sandbox.folder / source, version / name)
            (mounted / folder / name).symlink_to(f"..data/{name}")
    settings = {entry["name"]: entry["value"].replace("/etc/dcs", str(mounted)) for entry in container["env"]}
    settings["DCS_RELOAD_INTERVAL_MS"] = "1"
    settings["DCS_STATUS_MAX_AGE_MS"] = "0"
    settings["DCS_URL"] = sandbox.settings["DCS_URL"]
    server = serve("flask", *container["args"], "--bind=127.0.0.1:", **settings)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert server.get(container[probe]["httpGet"]["path"])[0] == 200
    assert server.json("/dcs")[0] == 200

    # A new version of the secret, here one that the service turns down, is taken over without a restart.
    version = mounted / "client" / "..2"
    version.mkdir()
    shutil.copy(sandbox.folder / "expired-client.pem", version / "tls.crt")
    shutil.copy(sandbox.folder / "client.key", version / "tls.key")
    (mounted / "client" / "..new").symlink_to("..2")
    (mounted / "client" / "..new").replace(mounted / "client" / "..data")
    for _ in range(8):  # Both workers look when they are asked.
        assert server.json("/dcs")[1]["error"] == "DCS_ERR_CLIENT_CERT_REJECTED"


def test_every_variable_is_one_of_the_librarys() -> None:
    header = (ROOT / "include" / "dcs.h").read_text(encoding="utf-8")
    for entry in pod()["containers"][0]["env"]:
        assert entry["name"] in header, entry["name"]
    assert libdcs.__version__ in (ROOT / "Cargo.toml").read_text(encoding="utf-8")
