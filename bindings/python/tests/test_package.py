"""The installed package, the example of its docstring, and the build of wheel and sdist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import libdcs
from conftest import REPOSITORY, Testbed

PROJECT = REPOSITORY / "bindings" / "python"
INSTALLED = Path(libdcs.__file__).parent


def test_version_is_the_same_everywhere() -> None:
    manifest = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
    crate = re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)
    assert crate is not None
    assert libdcs.__version__ == crate[1]
    assert metadata.version("libdcs") == crate[1]
    assert libdcs._native.api.dcs_version().decode() == crate[1]


def test_tests_run_against_installed_wheel() -> None:
    assert PROJECT not in INSTALLED.parents
    wheel = metadata.distribution("libdcs").read_text("WHEEL")
    assert wheel is not None
    assert "Root-Is-Purelib: false" in wheel
    assert re.search(r"^Tag: py3-none-(manylinux|musllinux|linux)[0-9]*_", wheel, re.MULTILINE)
    assert (INSTALLED / "libdcs.so").is_file()
    assert (INSTALLED / "py.typed").is_file()
    assert metadata.requires("libdcs") is None


def test_docstring_example(
    testbed: Testbed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # tests/docs runs the examples of the README.
    assert libdcs.__doc__ is not None
    found = re.search(r"::\n\n(.*?)\n(?=\S)", libdcs.__doc__, re.DOTALL)
    assert found is not None
    example = textwrap.dedent(found[1])
    names = {"ca_bundle": "ca-bundle.pem", "client_cert": "client.pem", "client_key": "client.key"}
    for name, shown in names.items():
        assert shown in example
        shutil.copy(testbed.files[name], tmp_path / shown)
    monkeypatch.chdir(tmp_path)
    # Unchanged, except for the URL.
    url = testbed.url("tls12_close", "/outages")
    example, changed = re.subn(r"Client\(", f"Client(url={url!r}, ", example, count=1)
    assert changed == 1
    exec(compile(example, "docstring", "exec"), {"__name__": "__main__"})
    assert "Planned maintenance" in capsys.readouterr().out


def test_hook_for_pyinstaller() -> None:
    # make test-package-python runs PyInstaller itself.
    entries = [entry for entry in metadata.distribution("libdcs").entry_points if entry.name == "hook-dirs"]
    [entry] = entries
    assert entry.group == "pyinstaller40"
    [folder] = entry.load()()
    assert (Path(folder) / "hook-libdcs.py").is_file()


def build(
    project: Path, out: Path, check: bool = True, target: str = "wheel", **environment: str | Path | None
) -> subprocess.CompletedProcess[str]:
    none = dict.fromkeys(("LIBDCS_PREBUILT", "LIBDCS_TREE", "LIBDCS_PLATFORM"))
    merged = {**os.environ, **none, **environment}
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=project,
        env={name: str(value) for name, value in merged.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=check,
    )


def copy_of_the_project(folder: Path) -> Path:
    project = folder / "bindings" / "python"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests"))
    return project


@pytest.fixture
def fake_cargo(tmp_path: Path) -> Path:
    """A directory with a cargo that logs its arguments, and reports files already built."""
    built = tmp_path / "built"
    built.mkdir()
    for name in ("libdcs.so", "dcs"):
        (built / name).write_text(f"this is {name}")
    folder = tmp_path / "bin"
    folder.mkdir()
    cargo = folder / "cargo"
    artifact = '{"reason":"compiler-artifact","target":{"name":"%s"},"filenames":["%s"]}'
    cargo.write_text(
        "#!/bin/sh\n"
        f'echo "$PWD $*" >> {folder}/started\n'
        f"echo '{artifact % ('other', '/nowhere/libother.so')}'\n"
        'case "$1" in\n'
        f"rustc) echo '{artifact % ('dcs', built / 'libdcs.so')}' ;;\n"
        f"build) echo '{artifact % ('dcs', built / 'libdcs.rlib')}'\n"
        f"    echo '{artifact % ('dcs', built / 'dcs')}' ;;\n"
        "esac\n"
        """echo '{"reason":"build-finished","success":true}'\n"""
    )
    cargo.chmod(0o755)
    return folder


def test_wheel_built_with_cargo(fake_cargo: Path, tmp_path: Path) -> None:
    build(PROJECT, tmp_path / "dist", PATH=f"{fake_cargo}:{os.environ['PATH']}")
    started = (fake_cargo / "started").read_text().splitlines()
    assert [line.split()[:2] for line in started] == [[str(REPOSITORY), "rustc"], [str(REPOSITORY), "build"]]
    assert {"--release", "--locked", "--lib", "cdylib"} < set(started[0].split())
    assert {"--release", "--locked", "--package", "dcs-cli"} < set(started[1].split())
    [wheel] = (tmp_path / "dist").iterdir()
    assert re.search(r"-py3-none-(linux|macosx|win).*\.whl$", wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/libdcs.so") == b"this is libdcs.so"
        names = set(archive.namelist())
        scripts = f"libdcs-{libdcs.__version__}.data/scripts"
        assert archive.read(f"{scripts}/dcs") == b"this is dcs"
    assert {"libdcs/__init__.py", "libdcs/py.typed"} < names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not any("tests" in name or "hatch_build" in name for name in names)


def test_wheel_of_prebuilt_library(tmp_path: Path) -> None:
    library = INSTALLED / "libdcs.so"
    build(PROJECT, tmp_path, PATH="/nowhere", LIBDCS_PREBUILT=library)
    [wheel] = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/libdcs.so") == library.read_bytes()


def installation(folder: Path, *files: str) -> Path:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {file}")
        path.chmod(0o755 if file.startswith("bin/") else 0o644)
    return folder


TEXTS = ("share/doc/libdcs/libdcs.cdx.json", "share/doc/libdcs/THIRD-PARTY-LICENCES")


def test_wheel_of_installation(tmp_path: Path) -> None:
    tree = installation(tmp_path / "linux", "lib/libdcs.so.0.1", "bin/dcs", *TEXTS)
    (tree / "lib" / "libdcs.so").symlink_to("libdcs.so.0.1")
    build(
        PROJECT, tmp_path / "dist", PATH="/nowhere", LIBDCS_TREE=tree, LIBDCS_PLATFORM="manylinux2014_x86_64"
    )
    [wheel] = (tmp_path / "dist").iterdir()
    assert wheel.name == f"libdcs-{libdcs.__version__}-py3-none-manylinux2014_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/libdcs.so") == b"this is lib/libdcs.so.0.1"
        info = archive.getinfo(f"libdcs-{libdcs.__version__}.data/scripts/dcs")
        assert info.external_attr >> 16 & 0o111 == 0o111
        about = f"libdcs-{libdcs.__version__}.dist-info"
        assert archive.read(f"{about}/sboms/libdcs.cdx.json")
        assert archive.read(f"{about}/licenses/THIRD-PARTY-LICENCES")
        assert b"Tag: py3-none-manylinux2014_x86_64\n" in archive.read(f"{about}/WHEEL")


def test_wheel_for_windows(tmp_path: Path) -> None:
    tree = installation(tmp_path / "windows", "bin/dcs.dll", "bin/dcs.exe")
    build(PROJECT, tmp_path / "dist", PATH="/nowhere", LIBDCS_TREE=tree, LIBDCS_PLATFORM="win_amd64")
    [wheel] = (tmp_path / "dist").iterdir()
    assert wheel.name == f"libdcs-{libdcs.__version__}-py3-none-win_amd64.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("libdcs/dcs.dll") == b"this is bin/dcs.dll"
        assert archive.read(f"libdcs-{libdcs.__version__}.data/scripts/dcs.exe") == b"this is bin/dcs.exe"
        assert not any(name.endswith(".so") for name in archive.namelist())


def test_installation_without_command(tmp_path: Path) -> None:
    tree = installation(tmp_path / "linux", "lib/libdcs.so")
    result = build(PROJECT, tmp_path / "dist", check=False, LIBDCS_TREE=tree)
    assert result.returncode != 0
    assert f"there is no file {tree}/bin/dcs" in result.stdout


def test_wheel_is_reproducible(tmp_path: Path) -> None:
    tree = installation(tmp_path / "linux", "lib/libdcs.so", "bin/dcs", *TEXTS)
    made = []
    for folder in (tmp_path / "one", tmp_path / "another folder"):
        project = copy_of_the_project(folder)
        shutil.copy(REPOSITORY / "Cargo.toml", folder)
        build(project, folder / "dist", LIBDCS_TREE=tree, SOURCE_DATE_EPOCH="1700000000")
        [wheel] = (folder / "dist").iterdir()
        made.append((wheel.name, wheel.read_bytes()))
    assert made[0] == made[1]


def test_sdist_contains_rust_source(tmp_path: Path) -> None:
    for folder in ("one", "another"):
        build(PROJECT, tmp_path / folder, target="sdist", SOURCE_DATE_EPOCH="1700000000")
    [sdist] = (tmp_path / "one").iterdir()
    assert sdist.read_bytes() == (tmp_path / "another" / sdist.name).read_bytes()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    subprocess.run(["tar", "-xzf", sdist, "-C", tmp_path], check=True)
    assert {"PKG-INFO", "LICENSE", "hatch_build.py", "src/libdcs/py.typed"} < names
    rust = {"Cargo.toml", "Cargo.lock", "build.rs", "src/lib.rs", "include/dcs.h", ".cargo/config.toml"}
    rust |= {"cli/Cargo.toml", "cli/build.rs", "cli/src/main.rs", "cli/src/sandbox/server.rs"}
    assert {f"rust/{name}" for name in rust} < names
    assert not any("tests/" in name or name.endswith((".so", ".orig")) for name in names)
    # Without its workspace members the manifest must be complete in itself.
    source = next(tmp_path.glob("libdcs-*")) / "rust"
    subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1"],
        cwd=source,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def test_wheel_built_from_sdist(fake_cargo: Path, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    shutil.copytree(REPOSITORY / "include", project / "rust" / "include")
    shutil.copy(REPOSITORY / "Cargo.toml", project / "rust")
    build(project, tmp_path / "dist", PATH=f"{fake_cargo}:{os.environ['PATH']}")
    started = (fake_cargo / "started").read_text().splitlines()
    assert {line.split()[0] for line in started} == {str(project / "rust")}
    # A distributor may build an sdist from it again, without cargo.
    build(project, tmp_path / "dist", target="sdist", PATH="/nowhere")
    with tarfile.open(next((tmp_path / "dist").glob("*.tar.gz"))) as archive:
        assert f"libdcs-{libdcs.__version__}/rust/include/dcs.h" in archive.getnames()


def test_build_error_without_cargo(tmp_path: Path) -> None:
    result = build(PROJECT, tmp_path, check=False, PATH="/nowhere")
    assert result.returncode != 0
    assert "cargo was not found" in result.stdout
    assert "Install Rust 1." in result.stdout
    assert "LIBDCS_PREBUILT" in result.stdout
    assert "Traceback" not in result.stdout


def test_build_error_for_foreign_platform(tmp_path: Path) -> None:
    result = build(PROJECT, tmp_path, check=False, LIBDCS_PLATFORM="win_amd64")
    assert result.returncode != 0
    assert "set LIBDCS_TREE or LIBDCS_PREBUILT to what was built for win_amd64" in result.stdout


@pytest.mark.parametrize("variable", ["LIBDCS_PREBUILT", "LIBDCS_TREE"])
@pytest.mark.parametrize("value", ["/nowhere/libdcs.so", "libdcs.so"])
def test_build_error_for_wrong_path(tmp_path: Path, variable: str, value: str) -> None:
    result = build(PROJECT, tmp_path, check=False, **{variable: value})
    assert result.returncode != 0
    assert f"{variable} is '{value}'" in result.stdout


def test_build_error_if_cargo_fails(fake_cargo: Path, tmp_path: Path) -> None:
    (fake_cargo / "cargo").write_text("#!/bin/sh\necho 'error: no rust today' >&2\nexit 101\n")
    result = build(PROJECT, tmp_path / "dist", check=False, PATH=f"{fake_cargo}:{os.environ['PATH']}")
    assert result.returncode != 0
    assert "error: no rust today" in result.stdout
    assert "cargo rustc failed with status 101" in result.stdout


def test_build_error_without_rust_source(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    result = build(project, tmp_path / "dist", check=False)
    assert result.returncode != 0
    assert f"the Rust source of libdcs is neither in {project}/rust nor in {tmp_path}" in result.stdout
