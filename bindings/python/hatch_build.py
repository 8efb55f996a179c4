"""Builds the Rust library with cargo and puts it into the wheel.

`LIBDCS_PREBUILT=/path/to/libdcs.so` puts that file in instead.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface
from packaging.tags import platform_tags

LIBRARY_NAME = {"win32": "dcs.dll", "darwin": "libdcs.dylib"}.get(sys.platform, "libdcs.so")


class CargoVersion(MetadataHookInterface):
    """Takes the version from the crate, so that there is one place that says it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the version."""
        metadata["version"] = manifest_value(repository(Path(self.root)), "version")


class CargoLibrary(BuildHookInterface[Any]):
    """Bundles the shared library and tags the wheel with the platform that it is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build or take the library before the wheel is written."""
        library = self.prebuilt() or self.build(repository(Path(self.root)))
        # No Python code is compiled, so any Python 3 can use it, on this platform only. What a
        # manylinux tag promises is for auditwheel to establish, not for the build to claim.
        platform = next(tag for tag in platform_tags() if not tag.startswith(("manylinux", "musllinux")))
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        if version == "editable":
            shutil.copy2(library, Path(self.root, "src", "libdcs", LIBRARY_NAME))
        else:
            build_data["force_include"][str(library)] = f"libdcs/{LIBRARY_NAME}"

    def prebuilt(self) -> Path | None:
        """Return the library that LIBDCS_PREBUILT names, if it is set."""
        value = os.environ.get("LIBDCS_PREBUILT")
        if not value:
            return None
        path = Path(value)
        if not path.is_absolute():  # Where a build front end runs this is nobody's guess.
            fail(f"LIBDCS_PREBUILT is {value!r}: give the full path of {LIBRARY_NAME}.")
        if not path.is_file():
            fail(f"LIBDCS_PREBUILT is {value!r}: there is no such file.")
        return path

    def build(self, root: Path) -> Path:
        """Run cargo in the repository's root, so that its .cargo/config.toml applies."""
        cargo = shutil.which("cargo")
        if cargo is None:
            rust_version = manifest_value(root, "rust-version")
            fail(
                "cargo was not found, and libdcs is built from Rust source. Install Rust "
                f"{rust_version} or newer (https://rustup.rs) and see that cargo is on PATH, or set "
                f"LIBDCS_PREBUILT to the full path of a {LIBRARY_NAME}."
            )
        command = [cargo, "build", "--release", "--locked", "--lib"]
        command.append("--message-format=json-render-diagnostics")  # Compiler errors stay readable.
        self.app.display_info(f"{' '.join(command)} in {root}")
        run = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        if run.returncode != 0:
            fail(f"cargo has failed with status {run.returncode}; its messages are above.")
        for line in run.stdout.splitlines():
            message = json.loads(line)
            if message["reason"] != "compiler-artifact" or message["target"]["name"] != "dcs":
                continue
            for name in message["filenames"]:
                if name.endswith(Path(LIBRARY_NAME).suffix):
                    return Path(name)
        fail(f"cargo has built no {LIBRARY_NAME}: is there a cdylib among the crate types?")


def repository(root: Path) -> Path:
    """Return the folder of the Rust source, two levels up."""
    top = root.resolve().parent.parent
    if not (top / "Cargo.toml").is_file() or manifest_value(top, "name") != "libdcs":
        fail(
            f"the Rust source of libdcs is not in {top}. Build from a checkout of the whole "
            "repository: pip install ./bindings/python"
        )
    return top


def manifest_value(top: Path, key: str) -> str:
    """Return a text value of Cargo.toml's [package] table, which comes first there."""
    # Python has had a TOML reader only since 3.11.
    manifest = (top / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(rf'^{re.escape(key)} = "([^"]+)"$', manifest, re.MULTILINE)
    return match[1] if match else ""


def fail(message: str) -> NoReturn:
    """End the build with a message, and no traceback in front of it."""
    raise SystemExit(f"libdcs: {message}")
