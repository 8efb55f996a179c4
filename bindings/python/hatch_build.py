"""Puts the Rust library and the command into the wheel, and their source into the sdist.

cargo builds them, unless one of these variables is set:

- `LIBDCS_PREBUILT=/path/to/libdcs.so`: uses this library, and no command
- `LIBDCS_TREE=/path/to/prefix`: uses an installation as in the archives: library, command, SBOMs, licences

`LIBDCS_PLATFORM` is the platform tag for these files, such as `manylinux2014_x86_64`. The default is this
machine's tag, which promises nothing about other machines.
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
"""The command's directory in the Rust source."""
SOURCE = "rust"
"""The directory of the Rust source in an sdist."""


class CargoVersion(MetadataHookInterface):
    """Reads the version from Cargo.toml, its only source."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the version."""
        metadata["version"] = manifest_value(crate(Path(self.root)), "version")


class Names(NamedTuple):
    """The names of the files on a platform."""

    library: str
    folder: str  # the library's directory in an installation
    program: str  # the suffix of a command

    @classmethod
    def of(cls, platform: str) -> Names:
        """Return the names for a wheel's platform tag."""
        if platform.startswith("win"):
            return cls("dcs.dll", "bin", ".exe")
        return cls("libdcs.dylib" if platform.startswith("macosx") else "libdcs.so", "lib", "")


class Natives(NamedTuple):
    """The files of a wheel that are not Python code."""

    library: Path
    command: Path | None
    sboms: list[Path]
    licences: list[Path]


class CargoLibrary(BuildHookInterface[Any]):
    """Adds the native files to the wheel, and tags it with their platform."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build or find the native files before the wheel is written; for an sdist, their source."""
        self.scratch = tempfile.TemporaryDirectory(prefix="libdcs-build-")
        if self.target_name == "sdist":
            build_data["force_include"].update(self.source())
            return
        # No Python code is compiled, so any Python 3 on this platform can use the wheel. Only the builder of
        # the library can promise what a manylinux tag says, and auditwheel checks it.
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
        # A native program among the scripts, not an entry point: pip, pipx and uv put it on PATH unchanged,
        # on Windows too. It receives signals and sets the exit code itself, and no interpreter has to start.
        build_data["shared_scripts"].update({str(path): path.name for path in [natives.command] if path})
        if natives.sboms:  # Older versions of hatchling reject the key.
            build_data["sbom_files"] = [str(path) for path in natives.sboms]
        licences = f"libdcs-{self.metadata.version}.dist-info/licenses"
        build_data["force_include"].update(
            {str(path): f"{licences}/{path.name}" for path in natives.licences}
        )

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary files."""
        self.scratch.cleanup()

    def prebuilt(self, names: Names) -> Natives | None:
        """Return the library from LIBDCS_PREBUILT, if it is set."""
        value = os.environ.get("LIBDCS_PREBUILT")
        if not value:
            return None
        path = absolute("LIBDCS_PREBUILT", value, names.library)
        if not path.is_file():
            fail(f"LIBDCS_PREBUILT is {value!r}: there is no such file.")
        return Natives(path, None, [], [])

    def tree(self, names: Names) -> Natives | None:
        """Return the files of the installation in LIBDCS_TREE, if it is set."""
        value = os.environ.get("LIBDCS_TREE")
        if not value:
            return None
        folder = absolute("LIBDCS_TREE", value, "directory with bin and lib")
        library = folder / names.folder / names.library
        command = folder / "bin" / f"{COMMAND}{names.program}"
        for path in (library, command):
            if not path.is_file():
                fail(f"LIBDCS_TREE is {value!r}: there is no file {path}.")
        texts = folder / "share" / "doc" / "libdcs"
        licences = [path for path in [texts / "THIRD-PARTY-LICENCES"] if path.is_file()]
        # On Linux the library is a link to the file whose name has the version.
        return Natives(library.resolve(), command, sorted(texts.glob("*.cdx.json")), licences)

    def build(self, root: Path, names: Names) -> Natives:
        """Build library and command with cargo."""
        options = ["--release", "--locked"]
        # Only this crate type: with an rlib beside it, cargo omits link-time optimisation.
        library = self.artifacts(root, "rustc", *options, "--lib", "--crate-type", "cdylib")
        built = [Path(name) for name in library if Path(name).name == names.library]
        if not built:
            fail(f"cargo did not build {names.library}.")
        programs = map(Path, self.artifacts(root, "build", *options, "--package", "dcs-cli"))
        command = next((path for path in programs if path.name == f"{COMMAND}{names.program}"), None)
        if command is None:
            fail(f"cargo did not build {COMMAND}.")
        return Natives(built[0], command, [], [])

    def artifacts(self, root: Path, *arguments: str) -> Iterator[str]:
        """Run cargo in the crate's directory, whose .cargo/config.toml applies; yield the files it built."""
        command = [*arguments, "--message-format=json-render-diagnostics"]
        self.app.display_info(f"cargo {' '.join(command)} in {root}")
        for line in self.cargo(find_cargo(root), *command, cwd=root).splitlines():
            message = json.loads(line)
            if message["reason"] == "compiler-artifact" and message["target"]["name"] == COMMAND:
                yield from message["filenames"]

    def source(self) -> dict[str, str]:
        """Return the files of the library's crate and of the command, with their paths in the sdist."""
        root = crate(Path(self.root))
        if root.name == SOURCE:
            return {}  # In an sdist hatchling finds these files by itself.
        cargo = find_cargo(root)
        target = Path(self.scratch.name)
        source = target / "source"
        self.pack_library(cargo, root, target, source)
        self.pack_command(root, source)
        # For both together, with the versions of the repository's lock file.
        shutil.copy(root / "Cargo.lock", source)
        self.cargo(cargo, "metadata", "--format-version", "1", "--quiet", cwd=source)
        files = sorted(path for path in source.rglob("*") if path.is_file())
        return {str(path): f"{SOURCE}/{path.relative_to(source).as_posix()}" for path in files}

    def pack_library(self, cargo: str, root: Path, target: Path, source: Path) -> None:
        """Put the library's crate into a directory, as cargo would publish it."""
        options = ["--no-verify", "--allow-dirty", "--locked", "--quiet"]
        self.cargo(cargo, "package", *options, "--package", "libdcs", "--target-dir", str(target), cwd=root)
        [packed] = (target / "package").glob("libdcs-*.crate")
        with tarfile.open(packed) as archive:
            for member in archive:
                relative = member.name.partition("/")[2]
                # The commit's number, and the manifest before cargo made it self-contained.
                if not member.isfile() or relative in (".cargo_vcs_info.json", "Cargo.toml.orig"):
                    continue
                content = archive.extractfile(member)
                assert content is not None  # noqa: S101 (it is a file)
                path = source / relative
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())

    def pack_command(self, root: Path, source: Path) -> None:
        """Put the command into the directory, as the only other member of the library's workspace."""
        manifest = (root / "Cargo.toml").read_text(encoding="utf-8")
        inherited = manifest[manifest.index("[workspace.package]") :].partition("\n\n")[0]
        with (source / "Cargo.toml").open("a", encoding="utf-8", newline="\n") as file:
            file.write(f'\n[workspace]\nmembers = ["{MEMBER}"]\n\n{inherited}\n')
        shutil.copytree(root / MEMBER / "src", source / MEMBER / "src")
        shutil.copy(root / MEMBER / "build.rs", source / MEMBER)
        # Without the dependencies of its tests, which are not in the sdist.
        manifest = (root / MEMBER / "Cargo.toml").read_text(encoding="utf-8")
        own = manifest.partition("\n[dev-dependencies]")[0]
        (source / MEMBER / "Cargo.toml").write_bytes(own.encode())

    def cargo(self, cargo: str, *arguments: str, cwd: Path) -> str:
        """Run cargo in a directory and return its output."""
        run = subprocess.run(
            [cargo, *arguments], cwd=cwd, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        if run.returncode != 0:
            fail(f"cargo {arguments[0]} failed with status {run.returncode}; see its messages above.")
        return run.stdout


def absolute(name: str, value: str, what: str) -> Path:
    """Return the path in an environment variable."""
    path = Path(value)
    if not path.is_absolute():  # The front end decides in which directory this runs.
        fail(f"{name} is {value!r}: give the full path of a {what}.")
    return path


def find_cargo(root: Path) -> str:
    """Return the path of cargo."""
    cargo = shutil.which("cargo")
    if cargo is None:
        rust_version = manifest_value(root, "rust-version")
        library = Names.of({"win32": "win", "darwin": "macosx"}.get(sys.platform, sys.platform)).library
        fail(
            "cargo was not found, and libdcs is built from Rust source. Install Rust "
            f"{rust_version} or newer (https://rustup.rs) and a C compiler, and put cargo on PATH; or set "
            f"LIBDCS_PREBUILT to the full path of a {library}."
        )
    return cargo


def crate(root: Path) -> Path:
    """Return the directory of the Rust source: inside an sdist, or two levels up in a checkout."""
    places = [root.resolve() / SOURCE, root.resolve().parent.parent]
    for place in places:
        if (place / "Cargo.toml").is_file() and manifest_value(place, "name") == "libdcs":
            return place
    fail(
        f"the Rust source of libdcs is neither in {places[0]} nor in {places[1]}. Build from an sdist or "
        "from a checkout of the whole repository: pip install ./bindings/python"
    )


def manifest_value(top: Path, key: str) -> str:
    """Return a string from the first tables of Cargo.toml, in which no key occurs twice."""
    # Python has a TOML parser only since 3.11.
    manifest = (top / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(rf'^{re.escape(key)} = "([^"]+)"$', manifest, re.MULTILINE)
    return match[1] if match else ""


def fail(message: str) -> NoReturn:
    """End the build with a message and no traceback."""
    raise SystemExit(f"libdcs: {message}")
