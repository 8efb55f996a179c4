"""The daemon in C, built with CMake from an installed library."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from conftest import ROOT
from sandbox import LIBRARY

# What find_package(dcs) finds where no package is built: the library where cargo has put it.
STAND_IN = f"""
add_library(dcs::dcs SHARED IMPORTED)
set_target_properties(dcs::dcs PROPERTIES
    IMPORTED_LOCATION "{LIBRARY}/libdcs.so"
    IMPORTED_SONAME libdcs.so.0
    INTERFACE_INCLUDE_DIRECTORIES "{ROOT}/include")
"""


def test_it_builds_and_installs(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "dcsConfig.cmake").write_text(STAND_IN, encoding="utf-8")
    source = ROOT / "examples" / "daemon"
    prefix = os.environ.get("DCS_CMAKE_PREFIX", str(package))
    for command in (
        ["cmake", "-S", str(source), "-B", str(tmp_path / "build"), f"-DCMAKE_PREFIX_PATH={prefix}"],
        ["cmake", "--build", str(tmp_path / "build")],
        ["cmake", "--install", str(tmp_path / "build"), "--prefix", str(tmp_path / "installed")],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    program = tmp_path / "installed" / "bin" / "dcs-daemon"
    result = subprocess.run(
        [str(program), "0"],
        env={"LD_LIBRARY_PATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stderr) == (2, f"usage: {program} [SECONDS], from 1 to 86400\n")
