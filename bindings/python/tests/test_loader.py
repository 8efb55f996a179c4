"""Where the shared library is looked for, and what is said where it is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import libdcs

PACKAGE = Path(libdcs.__file__).parent
LIBRARY = PACKAGE / "libdcs.so"


def run(code: str = "import libdcs", **environment: str | Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "LIBDCS_PATH"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, **{name: str(value) for name, value in environment.items()}},
        capture_output=True,
        text=True,
        timeout=60,
    )


def refusal(path: Path) -> str:
    """Return what importing says of LIBDCS_PATH."""
    result = run(LIBDCS_PATH=path)
    assert result.returncode == 1
    assert "LoadError" in result.stderr
    assert f"{path} (from LIBDCS_PATH): " in result.stderr
    # The one that was asked for, or none.
    assert "in the package)" not in result.stderr
    return result.stderr


def compiled(tmp_path: Path, source: str, *options: str, name: str = "libbuilt.so") -> Path:
    library = tmp_path / name
    (tmp_path / "source.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "source.c", *options], check=True)
    return library


def stale(version: str, abi_version: int = 1) -> str:
    return (
        f"unsigned dcs_abi_version(void) {{ return {abi_version}; }}\n"
        f'const char *dcs_version(void) {{ return "{version}"; }}\n'
    )


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "libdcs.so")


def test_a_link_to_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "libdcs.so"
    path.symlink_to("libdcs.so.7")
    assert "it is a link to libdcs.so.7, which is not there" in refusal(path)


def test_a_folder(tmp_path: Path) -> None:
    assert "it is a folder, and the library's file is asked for" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a library", b"MZ" + b"not a DLL either" * 9])
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libdcs.so"
    path.write_bytes(content)
    assert f"it is no library of any system, or a part of one ({len(content)} bytes)" in refusal(path)


def test_a_part_of_a_library(tmp_path: Path) -> None:
    path = tmp_path / "libdcs.so"
    # To load it would end the process.
    path.write_bytes(LIBRARY.read_bytes()[:-9000])
    assert "it is only a part of a library: the last 9000 bytes are missing" in refusal(path)


@pytest.mark.parametrize(
    ("changes", "system"),
    [
        ({18: 183}, "Linux on 64-bit ARM64"),
        ({4: 1, 18: 3}, "Linux on 32-bit x86"),
        ({5: 2, 18: 0, 19: 22}, "Linux on 64-bit S/390"),
        ({18: 99}, "Linux on 64-bit machine 99"),
    ],
)
def test_a_library_for_another_processor(tmp_path: Path, changes: dict[int, int], system: str) -> None:
    content = bytearray(LIBRARY.read_bytes())
    for position, value in changes.items():
        content[position] = value
    path = tmp_path / "libdcs.so"
    path.write_bytes(content)
    assert f"it is a library for {system}, and this Python is for Linux on 64-bit x86-64" in refusal(path)


@pytest.mark.parametrize(
    ("header", "system"),
    [
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86", "Windows on x86-64"),
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\xaa", "Windows on ARM64"),
        (b"\xcf\xfa\xed\xfe", "macOS"),
    ],
)
def test_a_library_for_another_system(tmp_path: Path, header: bytes, system: str) -> None:
    path = tmp_path / "dcs.dll"
    path.write_bytes(header + bytes(99))
    assert f"it is a library for {system}, and this Python is for Linux" in refusal(path)


def test_too_new_a_glibc(tmp_path: Path) -> None:
    # A C library of the future, which is there when this is linked only.
    (tmp_path / "future.map").write_text("GLIBC_2.99 { global: from_the_future; };")
    link = ["-nostdlib", "-Wl,-soname,libc.so.6", f"-Wl,--version-script={tmp_path / 'future.map'}"]
    future = compiled(tmp_path, "void from_the_future(void) {}", *link, name="libfuture.so")
    needs = "void from_the_future(void); void f(void) { from_the_future(); }"
    path = compiled(tmp_path, needs, "-nostdlib", str(future))
    here = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[1]
    assert f"it needs glibc 2.99 or newer, and this system has {here} (" in refusal(path)


def test_a_library_that_needs_another(tmp_path: Path) -> None:
    other = compiled(tmp_path, "void f(void) {}", "-Wl,-soname,libother.so.3", name="libother.so")
    path = compiled(tmp_path, "void f(void); void g(void) { f(); }", str(other), name="libdcs.so")
    assert "it needs libother.so.3, which is not installed (" in refusal(path)


def test_a_folder_without_programs(tmp_path: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    mount = 'mount -t tmpfs -o noexec none "$1"'
    if subprocess.run([*unshare, mount, "-", str(tmp_path)], capture_output=True).returncode != 0:
        pytest.skip("this system lets nobody mount in a namespace of their own")
    script = f'{mount}; cp "$2" "$1/libdcs.so"; LIBDCS_PATH="$1/libdcs.so" "$3" -c "import libdcs"'
    result = subprocess.run(
        [*unshare, script, "-", str(tmp_path), str(LIBRARY), sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "libdcs.so (from LIBDCS_PATH): its folder is mounted noexec, or a security policy" in result.stderr


def test_a_library_of_something_else(tmp_path: Path) -> None:
    path = compiled(tmp_path, "int other(void) { return 0; }")
    assert "it is not libdcs: it has no function dcs_abi_version" in refusal(path)


def test_another_abi_version(tmp_path: Path) -> None:
    path = compiled(tmp_path, stale("7.8.9", abi_version=2))
    message = refusal(path)
    assert f"it is libdcs 7.8.9 with ABI version 2, and this binding ({libdcs.__version__}) needs" in message
    assert "needs ABI version 1" in message


def test_another_abi_version_that_tells_no_version(tmp_path: Path) -> None:
    path = compiled(tmp_path, "unsigned dcs_abi_version(void) { return 2; }")
    assert "it is a libdcs that does not tell its version with ABI version 2" in refusal(path)


def test_an_older_library(tmp_path: Path) -> None:
    path = compiled(tmp_path, stale("0.0.9"))
    wanted = (
        f"it is libdcs 0.0.9, older than this binding ({libdcs.__version__}): it has no function dcs_code"
    )
    assert wanted in refusal(path)


def test_libdcs_path_is_used(tmp_path: Path) -> None:
    path = tmp_path / "another-name.so"
    shutil.copy(LIBRARY, path)
    code = "import libdcs; print([line for line in open('/proc/self/maps') if 'another-name' in line])"
    result = run(code, LIBDCS_PATH=path)
    assert result.returncode == 0, result.stderr
    assert str(path) in result.stdout


def test_libdcs_path_without_a_folder_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where the system looks there is one that would do, which nobody has asked for.
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(LIBRARY, system / "libmine.so")
    monkeypatch.chdir(tmp_path)
    code = "from libdcs import _native, _unloadable; print(_unloadable._file_of(_native.api.dcs_version))"
    result = run(code, LIBDCS_PATH="libmine.so", LD_LIBRARY_PATH=system)
    assert f"{tmp_path}/libmine.so (from LIBDCS_PATH): there is no such file" in result.stderr
    shutil.copy(LIBRARY, tmp_path / "libmine.so")
    result = run(code, LIBDCS_PATH="libmine.so", LD_LIBRARY_PATH=system)
    assert (result.stdout, result.stderr) == (f"{tmp_path}/libmine.so\n", "")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy of the package that has no library in it."""
    shutil.copytree(PACKAGE, tmp_path / "libdcs", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    return tmp_path


def test_every_place_tried_is_named(bare: Path) -> None:
    code = (
        "try:\n    import libdcs\n"
        "except ImportError as error:\n"
        "    assert error.name == 'libdcs'\n    print(*error.tried, error, sep='\\n')\n"
    )
    result = run(code, PYTHONPATH=bare)
    assert result.returncode == 0, result.stderr
    first, second, *rest = result.stdout.splitlines()
    assert first.startswith(f"{bare}/libdcs/libdcs.so (in the package): ")
    assert second.startswith(
        "libdcs.so.0 (the system's): the system has no library of that name where it looks"
    )
    text = "\n".join(rest)
    assert first in text
    assert second in text
    assert "LIBDCS_PATH" in text


def test_the_systems_library_where_the_package_has_none(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    shutil.copy(LIBRARY, folder / "libdcs.so.0")
    result = run("import libdcs; print(libdcs.__file__)", PYTHONPATH=bare, LD_LIBRARY_PATH=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(bare))


def test_a_file_in_the_working_directory_is_not_the_systems(
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
def test_the_systems_library_is_not_taken_before_the_packages(tmp_path: Path, variable: str) -> None:
    # One that would do, so that nothing but the order decides.
    path = tmp_path / "libdcs.so.0"
    shutil.copy(LIBRARY, path)
    value = path if variable == "LD_PRELOAD" else tmp_path
    code = "from libdcs import _native, _unloadable; print(_unloadable._file_of(_native.api.dcs_version))"
    result = run(code, **{variable: value})
    assert (result.stdout, result.stderr) == (f"{LIBRARY}\n", "")


def test_a_stale_library_of_the_system_is_named(bare: Path, tmp_path: Path) -> None:
    path = compiled(tmp_path, stale("0.0.9"), "-Wl,-soname,libdcs.so.0", name="libdcs.so.0")
    result = run(PYTHONPATH=bare, LD_LIBRARY_PATH=tmp_path)
    assert "libdcs.so (in the package): there is no such file\n" in result.stderr
    assert f"libdcs.so.0 (the system's): it is libdcs 0.0.9 in {path}, older than" in result.stderr


def test_importing_is_light() -> None:
    # ctypes.util starts compilers to find libraries, and is of no use on some systems.
    heavy = {"ctypes.util", "dataclasses", "json", "importlib.metadata", "libdcs._unloadable"}
    result = run(f"import sys, libdcs; print(sorted({heavy} & set(sys.modules)))")
    assert (result.stdout, result.stderr) == ("[]\n", "")
