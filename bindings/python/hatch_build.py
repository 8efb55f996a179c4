"""Puts the Rust library and the command into the wheel, and their source into the sdist.

cargo builds them, unless one of these says where they are:

- `LIBDCS_PREBUILT=/path/to/libdcs.so`: that file, and no command
- `LIBDCS_TREE=/path/to/prefix`: an installation, as in the archives: library, command, SBOMs, licences

`LIBDCS_PLATFORM` is the platform tag for what one of these names, such as `manylinux2014_x86_64`; without it
the tag is this machine's, which promises nothing about others.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface
from packaging.tags import platform_tags

COMMAND = "dcs"
MEMBER = "cli"
"""The command's folder in the Rust source."""
SOURCE = "rust"
"""The folder of the Rust source in an sdist."""


class CargoVersion(MetadataHookInterface):
    """Takes the version from the crate, so that there is one place that says it."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the version."""
        metadata["version"] = manifest_value(crate(Path(self.root)), "version")


class Names(NamedTuple):
    """What the files are called on a platform."""

    library: str
    folder: str  # the library's in an installation
    program: str  # what a command's name ends with

    @classmethod
    def of(cls, platform: str) -> Names:
        """Return those that go with a wheel's platform tag."""
        if platform.startswith("win"):
            return cls("dcs.dll", "bin", ".exe")
        return cls("libdcs.dylib" if platform.startswith("macosx") else "libdcs.so", "lib", "")


class Natives(NamedTuple):
    """The files that a wheel is made of besides the Python ones."""

    library: Path
    command: Path | None
    sboms: list[Path]
    licences: list[Path]


class CargoLibrary(BuildHookInterface[Any]):
    """Bundles the native files and tags the wheel with the platform that they are for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build or take the native files before the wheel is written; for an sdist, the source."""
        self.scratch = tempfile.TemporaryDirectory(prefix="libdcs-build-")
        if self.target_name == "sdist":
            build_data["force_include"].update(self.source())
            return
        # No Python code is compiled, so any Python 3 can use it, on this platform only. What a
        # manylinux tag promises is for whoever built the library to say, and for auditwheel to check.
        here = next(tag for tag in platform_tags() if not tag.startswith(("manylinux", "musllinux")))
        platform = os.environ.get("LIBDCS_PLATFORM") or here
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        names = Names.of(platform)
        natives = self.prebuilt(names) or self.tree(names)
        if natives is None:
            if platform != here:
                fail(
                    f"LIBDCS_PLATFORM is {platform!r}, but cargo builds for this machine: set LIBDCS_TREE or "
                    f"LIBDCS_PREBUILT to what was built for {platform}."
                )
            natives = self.build(crate(Path(self.root)), names)
        if version == "editable":
            shutil.copy2(natives.library, Path(self.root, "src", "libdcs", names.library))
        else:
            build_data["force_include"][str(natives.library)] = f"libdcs/{names.library}"
        # A native program in the scripts folder, not an entry point that starts it: pip, pipx and uv put it
        # on PATH as it is, on Windows too; signals and exit codes are its own, no interpreter has to start.
        build_data["shared_scripts"].update({str(path): path.name for path in [natives.command] if path})
        if natives.sboms:  # Older hatchling does not know them.
            build_data["sbom_files"] = [str(path) for path in natives.sboms]
        licences = f"libdcs-{self.metadata.version}.dist-info/licenses"
        build_data["force_include"].update(
            {str(path): f"{licences}/{path.name}" for path in natives.licences}
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was only made for this build."""
        self.scratch.cleanup()

    def prebuilt(self, names: Names) -> Natives | None:
        """Return the library that LIBDCS_PREBUILT names, if it is set."""
        value = os.environ.get("LIBDCS_PREBUILT")
        if not value:
            return None
        path = absolute("LIBDCS_PREBUILT", value, names.library)
        if not path.is_file():
            fail(f"LIBDCS_PREBUILT is {value!r}: there is no such file.")
        return Natives(path, None, [], [])

    def tree(self, names: Names) -> Natives | None:
        """Return what is in the installation that LIBDCS_TREE names, if it is set."""
        value = os.environ.get("LIBDCS_TREE")
        if not value:
            return None
        folder = absolute("LIBDCS_TREE", value, "folder that has bin and lib")
        library = folder / names.folder / names.library
        command = folder / "bin" / f"{COMMAND}{names.program}"
        for path in (library, command):
            if not path.is_file():
                fail(f"LIBDCS_TREE is {value!r}: there is no file {path}.")
        texts = folder / "share" / "doc" / "libdcs"
        licences = [path for path in [texts / "THIRD-PARTY-LICENCES"] if path.is_file()]
        # The library is a link to the file with its version in an installation for Linux.
        return Natives(library.resolve(), command, sorted(texts.glob("*.cdx.json")), licences)

    def build(self, root: Path, names: Names) -> Natives:
        """Build library and command with cargo."""
        options = ["--release", "--locked"]
        # One crate type: beside an rlib cargo leaves link-time optimisation out.
        library = self.artifacts(root, "rustc", *options, "--lib", "--crate-type", "cdylib")
        built = [Path(name) for name in library if Path(name).name == names.library]
        if not built:
            fail(f"cargo has built no {names.library}: is there a cdylib among the crate types?")
        programs = map(Path, self.artifacts(root, "build", *options, "--package", "dcs-cli"))
        command = next((path for path in programs if path.name == f"{COMMAND}{names.program}"), None)
        if command is None:
            fail(f"cargo has not built {COMMAND}.")
        return Natives(built[0], command, [], [])

    def artifacts(self, root: Path, *arguments: str) -> Iterator[str]:
        """Run cargo in the crate's folder, so that its .cargo/config.toml applies; yield libdcs' files."""
        command = [*arguments, "--message-format=json-render-diagnostics"]
        self.app.display_info(f"cargo {' '.join(command)} in {root}")
        for line in self.cargo(find_cargo(root), *command, cwd=root).splitlines():
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == COMMAND:
                yield from message["filenames"]

    def source(self) -> dict[str, str]:
        """Return the files of the library's crate and of the command, with their places in the sdist."""
        root = crate(Path(self.root))
        if root.name == SOURCE:
            return {}  # This is an sdist already, and its files are among those that hatchling takes.
        cargo = find_cargo(root)
        target = Path(self.scratch.name)
        source = target / "source"
        self.pack_library(cargo, root, target, source)
        self.pack_command(root, source)
        # Both together, with the versions that the repository's lock file has.
        shutil.copy(root / "Cargo.lock", source)
        self.cargo(cargo, "metadata", "--format-version", "1", "--quiet", cwd=source)
        files = sorted(path for path in source.rglob("*") if path.is_file())
        return {str(path): f"{SOURCE}/{path.relative_to(source).as_posix()}" for path in files}

    def pack_library(self, cargo: str, root: Path, target: Path, source: Path) -> None:
        """Put the library's crate into a folder, as cargo would publish it."""
        options = ["--no-verify", "--allow-dirty", "--locked", "--quiet"]
        self.cargo(cargo, "package", *options, "--package", "libdcs", "--target-dir", str(target), cwd=root)
        [packed] = (target / "package").glob("libdcs-*.crate")
        with tarfile.open(packed) as archive:
            for member in archive:
                relative = member.name.partition("/")[2]
                # Which commit it was, and the manifest before cargo made it complete in itself.
                if not member.isfile() or relative in (".cargo_vcs_info.json", "Cargo.toml.orig"):
                    continue
                content = archive.extractfile(member)
                assert content is not None  # noqa: S101 (it is a file)
                path = source / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())

    def pack_command(self, root: Path, source: Path) -> None:
        """Put the command into the folder, as the only other member of the library's workspace."""
        manifest = (root / "Cargo.toml").read_text(encoding="utf-8")
        inherited = manifest[manifest.index("[workspace.package]") :].partition("\n\n")[0]
        with (source / "Cargo.toml").open("a", encoding="utf-8", newline="\n") as file:
            file.write(f'\n[workspace]\nmembers = ["{MEMBER}"]\n\n{inherited}\n')
        shutil.copytree(root / MEMBER / "src", source / MEMBER / "src")
        shutil.copy(root / MEMBER / "build.rs", source / MEMBER)
        # Without what only its tests need, which is not in the sdist.
        manifest = (root / MEMBER / "Cargo.toml").read_text(encoding="utf-8")
        own = manifest.partition("\n[dev-dependencies]")[0]
        (source / MEMBER / "Cargo.toml").write_bytes(own.encode())

    def cargo(self, cargo: str, *arguments: str, cwd: Path) -> str:
        """Run cargo in a folder and return what it prints."""
        run = subprocess.run(
            [cargo, *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        if run.returncode != 0:
            fail(f"cargo {arguments[0]} has failed with status {run.returncode}; its messages are above.")
        return run.stdout


def absolute(name: str, value: str, what: str) -> Path:
    """Return the path that an environment variable holds."""
    path = Path(value)
    if not path.is_absolute():  # Where a build front end runs this is nobody's guess.
        fail(f"{name} is {value!r}: give the full path of a {what}.")
    return path


def find_cargo(root: Path) -> str:
    """Return where cargo is."""
    cargo = shutil.which("cargo")
    if cargo is None:
        rust_version = manifest_value(root, "rust-version")
        library = Names.of({"win32": "win", "darwin": "macosx"}.get(sys.platform, sys.platform)).library
        fail(
            "cargo was not found, and libdcs is built from Rust source. Install Rust "
            f"{rust_version} or newer (https://rustup.rs) and a C compiler, and see that cargo is on PATH; "
            f"or set LIBDCS_PREBUILT to the full path of a {library}."
        )
    return cargo


def crate(root: Path) -> Path:
    """Return the folder of the Rust source: the sdist's own, or in a checkout two levels up."""
    places = [root.resolve() / SOURCE, root.resolve().parent.parent]
    for place in places:
        if (place / "Cargo.toml").is_file() and manifest_value(place, "name") == "libdcs":
            return place
    fail(
        f"the Rust source of libdcs is neither in {places[0]} nor in {places[1]}. Build from an sdist or "
        "from a checkout of the whole repository: pip install ./bindings/python"
    )


def manifest_value(top: Path, key: str) -> str:
    """Return a text value of Cargo.toml's first tables, in which no key occurs twice."""
    # Python has had a TOML reader only since 3.11.
    manifest = (top / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(rf'^{re.escape(key)} = "([^"]+)"$', manifest, re.MULTILINE)
    return match[1] if match else ""


def fail(message: str) -> NoReturn:
    """End the build with a message, and no traceback in front of it."""
    raise SystemExit(f"libdcs: {message}")
