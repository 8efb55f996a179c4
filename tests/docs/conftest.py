"""The environment of the examples: the sandbox, the three files, the built library, the bindings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import LIBRARY, PROGRAMS, ROOT, TARGET, Sandbox, running


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Start one sandbox for all tests."""
    with running(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def jars() -> str:
    """Return the class path: the packaged jar, and JNA from Maven's local repository."""
    jar = next((ROOT / "bindings" / "java" / "target").glob("libdcs-*[0-9].jar"), None)
    if jar is None:
        pytest.fail("the jar is missing: make test-docs builds it")
    jna = sorted((Path.home() / ".m2/repository/net/java/dev/jna/jna").glob("*/jna-*.jar"))
    if not jna:
        pytest.fail("JNA is not in Maven's local repository")
    return f"{jar}:{jna[-1]}"


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox) -> Path:
    """Create a page's folder: the three files, named as in the pages, and the folders of the clone."""
    for name in ("ca-bundle.pem", "client.pem", "client.key", "expired-client.pem", "wrong-ca-bundle.pem"):
        shutil.copy(sandbox.folder / name, tmp_path)
    (tmp_path / "sandbox.env").write_text(sandbox.exports, encoding="utf-8")
    for name in ("examples", "include", "benches", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "target").symlink_to(TARGET)
    for name in (
        ".local/share/man/man1",
        ".local/share/bash-completion/completions",
        ".zfunc",
        ".config/fish/completions",
    ):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def environment(folder: Path, sandbox: Sandbox, jars: str) -> dict[str, str]:
    """Return the environment variables of the examples."""
    pkg_config = folder / ".pkg-config"
    pkg_config.mkdir()
    # Like the file that `make install` writes, but for the library in the build folder.
    (pkg_config / "dcs.pc").write_text(
        f"libdir={LIBRARY}\n\nName: dcs\nDescription: libdcs\nVersion: 0\n"
        f"Cflags: -I{ROOT}/include\nLibs: -L${{libdir}} -ldcs\n",
        encoding="utf-8",
    )
    venv = TARGET / "venv" / "bin"
    return {
        **sandbox.settings,
        "PATH": f"{PROGRAMS}:{venv}:{os.environ['PATH']}",
        "HOME": str(folder),
        "PROFILE": str(folder / "profile.ps1"),
        "PYTHONPATH": str(Path(__file__).parent / "site"),
        "LD_LIBRARY_PATH": str(LIBRARY),
        "PKG_CONFIG_PATH": str(pkg_config),
        "CLASSPATH": f"{jars}:.",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
