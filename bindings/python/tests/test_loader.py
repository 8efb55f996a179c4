"""Where the shared library is loaded from, and the error if that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import libdcs
from conftest import LIMIT, REPOSITORY, not_on_pypy

PACKAGE = Path(libdcs.__file__).parent
LIBRARY = PACKAGE / "libdcs.so"


def run(code: str = "import libdcs", **environment: str | Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "LIBDCS_PATH"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def import_error(path: Path) -> str:
    """Return the error of an import with this LIBDCS_PATH."""
    result = run(LIBDCS_PATH=path)
    assert result.returncode == 1
    assert "LoadError" in result.stderr
    assert f"{path} (from LIBDCS_PATH): " in result.stderr
    # Never falls back to another library.
    assert "in the package)" not in result.stderr
    return result.stderr


def compile_library(tmp_path: Path, source: str, *options: str, name: str = "libbuilt.so") -> Path:
    library = tmp_path / name
    (tmp_path / "source.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "source.c", *options], check=True)
    return library


def old_library(version: str, abi_version: int = 1) -> str:
    return (
        f"unsigned dcs_abi_version(void) {{ return {abi_version}; }}\n"
        f'const char *dcs_version(void) {{ return "{version}"; }}\n'
    )


def test_missing_file(tmp_path: Path) -> None:
    assert "there is no such file" in import_error(tmp_path / "libdcs.so")


def test_broken_link(tmp_path: Path) -> None:
    path = tmp_path / "libdcs.so"
    path.symlink_to("libdcs.so.7")
    assert "it is a broken link to libdcs.so.7" in import_error(path)


def test_directory(tmp_path: Path) -> None:
    assert "it is a directory; the library's file is needed" in import_error(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a library", b"MZ" + b"not a DLL either" * 9])
def test_not_a_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libdcs.so"
    path.write_bytes(content)
    assert f"it is not a shared library, or only the beginning of one ({len(content)} bytes)" in import_error(
        path
    )


def test_truncated_library(tmp_path: Path) -> None:
    path = tmp_path / "libdcs.so"
    # Loading it would end the process with SIGBUS.
    path.write_bytes(LIBRARY.read_bytes()[:-9000])
    assert "the file is truncated: its last 9000 bytes are missing" in import_error(path)


@pytest.mark.parametrize(
    ("changes", "system"),
    [
        ({18: 183}, "Linux on 64-bit ARM64"),
        ({4: 1, 18: 3}, "Linux on 32-bit x86"),
        ({5: 2, 18: 0, 19: 22}, "Linux on 64-bit S/390"),
        ({18: 99}, "Linux on 64-bit machine 99"),
    ],
)
def test_library_for_other_processor(tmp_path: Path, changes: dict[int, int], system: str) -> None:
    content = bytearray(LIBRARY.read_bytes())
    for position, value in changes.items():
        content[position] = value
    path = tmp_path / "libdcs.so"
    path.write_bytes(content)
    assert f"it is a library for {system}, but this Python is for Linux on 64-bit x86-64" in import_error(
        path
    )


@pytest.mark.parametrize(
    ("header", "system"),
    [
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86", "Windows on x86-64"),
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\xaa", "Windows on ARM64"),
        (b"\xcf\xfa\xed\xfe", "macOS"),
    ],
)
def test_library_for_other_system(tmp_path: Path, header: bytes, system: str) -> None:
    path = tmp_path / "dcs.dll"
    path.write_bytes(header + bytes(99))
    assert f"it is a library for {system}, but this Python is for Linux" in import_error(path)


def test_library_needs_newer_glibc(tmp_path: Path) -> None:
    # A future C library, which exists only while this is linked.
    (tmp_path / "future.map").write_text("GLIBC_2.99 { global: from_the_future; };")
    link = ["-nostdlib", "-Wl,-soname,libc.so.6", f"-Wl,--version-script={tmp_path / 'future.map'}"]
    future = compile_library(tmp_path, "void from_the_future(void) {}", *link, name="libfuture.so")
    needs = "void from_the_future(void); void f(void) { from_the_future(); }"
    path = compile_library(tmp_path, needs, "-nostdlib", str(future))
    here = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[1]
    assert f"it needs glibc 2.99 or newer, but this system has {here} (" in import_error(path)


def test_library_needs_missing_library(tmp_path: Path) -> None:
    other = compile_library(tmp_path, "void f(void) {}", "-Wl,-soname,libother.so.3", name="libother.so")
    path = compile_library(tmp_path, "void f(void); void g(void) { f(); }", str(other), name="libdcs.so")
    assert "it needs libother.so.3, which is not installed (" in import_error(path)


def test_noexec_mount(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    mount = 'mount -t tmpfs -o noexec none "$1"'
    if subprocess.run([*unshare, mount, "-", str(tmp_path)], capture_output=True).returncode != 0:
        pytest.skip("this system forbids mounting in a user namespace")
    script = f'{mount}; cp "$2" "$1/libdcs.so"; LIBDCS_PATH="$1/libdcs.so" "$3" -c "import libdcs"'
    result = subprocess.run(
        [*unshare, script, "-", str(tmp_path), str(LIBRARY), sys.executable],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    assert (
        "libdcs.so (from LIBDCS_PATH): its directory is mounted noexec, or a security policy" in result.stderr
    )


def test_unrelated_library(tmp_path: Path) -> None:
    path = compile_library(tmp_path, "int other(void) { return 0; }")
    assert "it is not libdcs: it has no function dcs_abi_version" in import_error(path)


def test_other_abi_version(tmp_path: Path) -> None:
    path = compile_library(tmp_path, old_library("7.8.9", abi_version=2))
    message = import_error(path)
    assert f"it is libdcs 7.8.9 with ABI version 2, but this binding ({libdcs.__version__}) needs" in message
    assert "needs ABI version 1" in message


def test_other_abi_version_without_dcs_version(tmp_path: Path) -> None:
    path = compile_library(tmp_path, "unsigned dcs_abi_version(void) { return 2; }")
    assert "it is a libdcs of unknown version with ABI version 2" in import_error(path)


def test_older_library(tmp_path: Path) -> None:
    path = compile_library(tmp_path, old_library("0.0.9"))
    expected = f"it is libdcs 0.0.9, older than this binding ({libdcs.__version__}): it has no function dcs_"
    assert expected in import_error(path)


def test_libdcs_path_is_used(tmp_path: Path) -> None:
    path = tmp_path / "another-name.so"
    shutil.copy(LIBRARY, path)
    code = "import libdcs; print([line for line in open('/proc/self/maps') if 'another-name' in line])"
    result = run(code, LIBDCS_PATH=path)
    assert result.returncode == 0, result.stderr
    assert str(path) in result.stdout


def test_relative_libdcs_path_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The search path holds a library of that name, which must not be loaded.
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(LIBRARY, system / "libmine.so")
    monkeypatch.chdir(tmp_path)
    code = "from libdcs import _load_failure, _native; print(_load_failure._file_of(_native.api.dcs_version))"
    result = run(code, LIBDCS_PATH="libmine.so", LD_LIBRARY_PATH=system)
    assert f"{tmp_path}/libmine.so (from LIBDCS_PATH): there is no such file" in result.stderr
    shutil.copy(LIBRARY, tmp_path / "libmine.so")
    result = run(code, LIBDCS_PATH="libmine.so", LD_LIBRARY_PATH=system)
    assert (result.stdout, result.stderr) == (f"{tmp_path}/libmine.so\n", "")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy of the package without the library."""
    shutil.copytree(PACKAGE, tmp_path / "libdcs", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path


def test_error_lists_all_places(bare: Path) -> None:
    code = (
        "try:\n    import libdcs\n"
        "except ImportError as error:\n"
        "    assert error.name == 'libdcs'\n    print(*error.tried, error, sep='\\n')\n"
    )
    result = run(code, PYTHONPATH=bare)
    assert result.returncode == 0, result.stderr
    first, second, *rest = result.stdout.splitlines()
    assert first.startswith(f"{bare}/libdcs/libdcs.so (in the package): ")
    assert second.startswith("libdcs.so.0 (the system's): the system's search path has no such library")
    text = "\n".join(rest)
    assert first in text
    assert second in text
    assert "LIBDCS_PATH" in text


def test_falls_back_to_system_library(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    shutil.copy(LIBRARY, folder / "libdcs.so.0")
    result = run("import libdcs; print(libdcs.__file__)", PYTHONPATH=bare, LD_LIBRARY_PATH=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(bare))


def test_ignores_library_in_working_directory(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(LIBRARY, system / "libdcs.so.0")
    here = tmp_path / "here"
    here.mkdir()
    (here / "libdcs.so.0").write_bytes(LIBRARY.read_bytes()[:-9000])
    monkeypatch.chdir(here)
    result = run(PYTHONPATH=bare, LD_LIBRARY_PATH=system)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("variable", ["LD_LIBRARY_PATH", "LD_PRELOAD"])
def test_package_library_precedes_system_library(tmp_path: Path, variable: str) -> None:
    # A usable library, so that only the order decides.
    path = tmp_path / "libdcs.so.0"
    shutil.copy(LIBRARY, path)
    value = path if variable == "LD_PRELOAD" else tmp_path
    code = "from libdcs import _load_failure, _native; print(_load_failure._file_of(_native.api.dcs_version))"
    result = run(code, **{variable: value})
    assert (result.stdout, result.stderr) == (f"{LIBRARY}\n", "")


def test_error_names_path_of_old_system_library(bare: Path, tmp_path: Path) -> None:
    path = compile_library(tmp_path, old_library("0.0.9"), "-Wl,-soname,libdcs.so.0", name="libdcs.so.0")
    result = run(PYTHONPATH=bare, LD_LIBRARY_PATH=tmp_path)
    assert "libdcs.so (in the package): there is no such file\n" in result.stderr
    assert f"libdcs.so.0 (the system's): it is libdcs 0.0.9 in {path}, older than" in result.stderr


def test_import_loads_no_heavy_modules() -> None:
    # ctypes.util runs compilers to find libraries, and fails on some systems.
    heavy = {"ctypes.util", "dataclasses", "json", "importlib.metadata", "libdcs._load_failure"}
    result = run(f"import sys, libdcs; print(sorted({heavy} & set(sys.modules)))")
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip file that contains the package with its library."""
    return Path(shutil.make_archive(str(tmp_path / "app"), "zip", PACKAGE.parent, PACKAGE.name))


def test_import_from_zip_file(archive: Path) -> None:
    result = run(PYTHONPATH=archive)
    assert result.returncode == 1
    where = f"  {archive}/libdcs/libdcs.so (in the package): it would be in {archive}, but no library can be "
    assert f"{where}loaded from within a zip file\n" in result.stderr
    advice = (
        "Unpack the zip file and start the program from the folder, or set LIBDCS_PATH to the full path of"
    )
    assert f"\n{advice} libdcs.so.\n" in result.stderr
    # The second advice; the first one is what the other tests do.
    result = run("import libdcs; print(libdcs.__file__)", PYTHONPATH=archive, LIBDCS_PATH=LIBRARY)
    assert (result.stdout, result.stderr) == (f"{archive}/libdcs/__init__.py\n", "")


def test_frozen_program_without_library(bare: Path) -> None:
    result = run("import sys; sys.frozen = True; import libdcs", PYTHONPATH=bare)
    assert result.returncode == 1
    assert (
        "the program was built without it (with PyInstaller: add --collect-binaries libdcs)\n"
        in result.stderr
    )
    assert (
        "\nBuild the program again with the library, or set LIBDCS_PATH to the full path of" in result.stderr
    )


@not_on_pypy("it takes no file of this name for an extension module")
def test_library_beside_script(tmp_path: Path) -> None:
    shutil.copy(LIBRARY, tmp_path / "libdcs.so")
    script = tmp_path / "script.py"
    script.write_text("import libdcs; print(libdcs.__file__)")
    kept = {name: value for name, value in os.environ.items() if name != "LIBDCS_PATH"}

    def start(**environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, script],
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )

    # Python finds the file before the package, so only the README can help.
    message = "dynamic module does not define module export function (PyInit_libdcs)"
    assert message in start().stderr
    readme = (REPOSITORY / "bindings" / "python" / "README.md").read_text(encoding="utf-8")
    [row] = [line for line in readme.splitlines() if message in line]
    assert "`libdcs.so.0`" in row
    (tmp_path / "libdcs.so").rename(tmp_path / "libdcs.so.0")
    result = start(LIBDCS_PATH=str(tmp_path / "libdcs.so.0"))
    assert (result.stdout, result.stderr) == (f"{PACKAGE}/__init__.py\n", "")
