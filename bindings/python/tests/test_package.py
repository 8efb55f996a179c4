"""What is installed, what the documentation shows, and how the wheel is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import libdcs
from conftest import REPOSITORY, Testbed

PROJECT = REPOSITORY / "bindings" / "python"
INSTALLED = Path(libdcs.__file__).parent


def test_one_version() -> None:
    manifest = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
    crate = re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)
    assert crate is not None
    assert libdcs.__version__ == crate[1]
    assert metadata.version("libdcs") == crate[1]
    assert libdcs._native.api.dcs_version().decode() == crate[1]


def test_the_wheel_is_what_is_tested() -> None:
    assert PROJECT not in INSTALLED.parents
    wheel = metadata.distribution("libdcs").read_text("WHEEL")
    assert wheel is not None
    assert "Root-Is-Purelib: false" in wheel
    assert re.search(r"^Tag: py3-none-(manylinux|musllinux|linux)_", wheel, re.MULTILINE)
    assert (INSTALLED / "libdcs.so").is_file()
    assert (INSTALLED / "py.typed").is_file()
    assert metadata.requires("libdcs") is None


def test_the_docstrings_example_runs(
    testbed: Testbed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Those of the README are run by tests/docs, as all of the documentation's are.
    assert libdcs.__doc__ is not None
    found = re.search(r"::\n\n(.*?)\n(?=\S)", libdcs.__doc__, re.DOTALL)
    assert found is not None
    example = textwrap.dedent(found[1])
    names = {"ca_bundle": "ca-bundle.pem", "client_cert": "client.crt", "client_key": "client.key"}
    for name, shown in names.items():
        assert shown in example
        shutil.copy(testbed.files[name], tmp_path / shown)
    monkeypatch.chdir(tmp_path)
    # All as it stands, but not to the real service.
    url = testbed.url("tls12_close", "/outages")
    example, changed = re.subn(r"Client\(", f"Client(url={url!r}, ", example, count=1)
    assert changed == 1
    exec(compile(example, "docstring", "exec"), {"__name__": "__main__"})
    assert "Planned maintenance" in capsys.readouterr().out


def build(
    project: Path, out: Path, check: bool = True, **environment: str | Path | None
) -> subprocess.CompletedProcess[str]:
    merged = {**os.environ, "LIBDCS_PREBUILT": None, **environment}
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=project,
        env={name: str(value) for name, value in merged.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=check,
    )


@pytest.fixture
def fake_cargo(tmp_path: Path) -> Path:
    """A folder with a cargo that notes how it was started, and reports a library already built."""
    built = tmp_path / "built" / "libdcs.so"
    built.parent.mkdir()
    built.write_bytes(b"the library")
    folder = tmp_path / "bin"
    folder.mkdir()
    cargo = folder / "cargo"
    artifact = '{"reason":"compiler-artifact","target":{"name":"%s","kind":["cdylib"]},"filenames":["%s"]}'
    cargo.write_text(
        "#!/bin/sh\n"
        f'echo "$PWD $*" > {folder}/started\n'
        f"echo '{artifact % ('other', '/nowhere/libother.so')}'\n"
        f"echo '{artifact % ('dcs', str(built))}'\n"
        """echo '{"reason":"build-finished","success":true}'\n"""
    )
    cargo.chmod(0o755)
    return folder


def test_cargo_is_run_in_the_repository(fake_cargo: Path, tmp_path: Path) -> None:
    build(PROJECT, tmp_path / "dist", PATH=f"{fake_cargo}:{os.environ['PATH']}")
    started = (fake_cargo / "started").read_text().split()
    assert started[0] == str(REPOSITORY)
    assert {"build", "--release", "--locked", "--lib"} < set(started)
    [wheel] = (tmp_path / "dist").iterdir()
    assert re.search(r"-py3-none-(linux|macosx|win).*\.whl$", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/libdcs.so") == b"the library"
        names = set(archive.namelist())
    assert {"libdcs/__init__.py", "libdcs/py.typed"} < names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not any("tests" in name or "hatch_build" in name for name in names)


def test_a_prebuilt_library_needs_no_cargo(tmp_path: Path) -> None:
    library = INSTALLED / "libdcs.so"
    build(PROJECT, tmp_path, PATH="/nowhere", LIBDCS_PREBUILT=library)
    [wheel] = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/libdcs.so") == library.read_bytes()


def test_what_the_build_says_without_cargo(tmp_path: Path) -> None:
    result = build(PROJECT, tmp_path, check=False, PATH="/nowhere")
    assert result.returncode != 0
    assert "cargo was not found" in result.stdout
    assert "Install Rust 1." in result.stdout
    assert "LIBDCS_PREBUILT" in result.stdout
    assert "Traceback" not in result.stdout


@pytest.mark.parametrize("value", ["/nowhere/libdcs.so", "libdcs.so"])
def test_what_the_build_says_of_a_wrong_prebuilt_library(tmp_path: Path, value: str) -> None:
    result = build(PROJECT, tmp_path, check=False, LIBDCS_PREBUILT=value)
    assert result.returncode != 0
    assert f"LIBDCS_PREBUILT is '{value}'" in result.stdout


def test_what_the_build_says_when_cargo_fails(fake_cargo: Path, tmp_path: Path) -> None:
    (fake_cargo / "cargo").write_text("#!/bin/sh\necho 'error: no rust today' >&2\nexit 101\n")
    result = build(PROJECT, tmp_path / "dist", check=False, PATH=f"{fake_cargo}:{os.environ['PATH']}")
    assert result.returncode != 0
    assert "error: no rust today" in result.stdout
    assert "cargo has failed with status 101" in result.stdout


def test_what_the_build_says_without_the_rust_source(tmp_path: Path) -> None:
    project = tmp_path / "bindings" / "python"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests"))
    result = build(project, tmp_path / "dist", check=False)
    assert result.returncode != 0
    assert f"the Rust source of libdcs is not in {tmp_path}" in result.stdout
