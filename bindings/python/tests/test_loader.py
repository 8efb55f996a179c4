"""Where the shared library is looked for, and what is said where it is not there."""

from __future__ import annotations

import _ctypes
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


def compiled(tmp_path: Path, source: str) -> Path:
    library = tmp_path / "libother.so"
    (tmp_path / "other.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, tmp_path / "other.c"], check=True)
    return library


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "libdcs.so")


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "libdcs.so"
    path.write_text("not a library")
    assert "invalid ELF header" in refusal(path) or "file too short" in refusal(path)


def test_a_library_of_something_else() -> None:
    assert "it is not libdcs: it has no function dcs_abi_version" in refusal(Path(_ctypes.__file__))


def test_another_abi_version(tmp_path: Path) -> None:
    path = compiled(tmp_path, "unsigned dcs_abi_version(void) { return 2; }")
    assert "its ABI version is 2, but this binding needs 1" in refusal(path)


def test_an_older_library(tmp_path: Path) -> None:
    path = compiled(tmp_path, "unsigned dcs_abi_version(void) { return 1; }")
    assert "it is older than this binding: it has no function dcs_version" in refusal(path)


def test_libdcs_path_is_used(tmp_path: Path) -> None:
    path = tmp_path / "another-name.so"
    shutil.copy(LIBRARY, path)
    code = "import libdcs; print([line for line in open('/proc/self/maps') if 'another-name' in line])"
    result = run(code, LIBDCS_PATH=path)
    assert result.returncode == 0, result.stderr
    assert str(path) in result.stdout


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
    assert second.startswith("libdcs.so.0 (the system's): ")
    text = "\n".join(rest)
    assert first in text
    assert second in text
    assert "LIBDCS_PATH" in text


def test_the_systems_library_comes_last(bare: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    shutil.copy(LIBRARY, folder / "libdcs.so.0")
    result = run("import libdcs; print(libdcs.__file__)", PYTHONPATH=bare, LD_LIBRARY_PATH=folder)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(bare))


def test_importing_is_light() -> None:
    # ctypes.util starts compilers to find libraries, and is of no use on some systems.
    code = "import sys, libdcs; print(sorted({'ctypes.util', 'dataclasses', 'json'} & set(sys.modules)))"
    result = run(code)
    assert (result.stdout, result.stderr) == ("[]\n", "")
