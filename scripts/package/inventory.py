"""Writes what a build contains: a CycloneDX SBOM, or the licence texts that must accompany it.

    inventory.py sbom NAME TARGET PACKAGE FILE
    inventory.py notices TARGET PACKAGE FILE

The crates are those of `cargo tree`, which resolves the features as the build does. (cargo-cyclonedx uses
`cargo metadata`, which does not: it lists ring, which no build contains, and the path of the source.)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

CARGO = os.environ.get("CARGO", "cargo")
LIBRARY = "libdcs"
OURS = (LIBRARY, "dcs-cli")
LICENCE_FILES = re.compile(r"(?i)(licen[cs]e|copying|notice|copyright|unlicense)")
# A crate's subfolder with another project's sources, which have their own licences.
VENDORED = "aws-lc"


class Crate(NamedTuple):
    """A crate by name and version."""

    name: str
    version: str

    @property
    def purl(self) -> str:
        """Return its package URL, which is also its reference."""
        return f"pkg:cargo/{self.name}@{self.version}"


def run(*command: str) -> str:
    """Return the output of a command."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def graph(target: str, package: str) -> dict[Crate, set[Crate]]:
    """Return the crates linked into a package of the workspace, each with its dependencies."""
    arguments = ["--locked", "--package", package, "--edges", "normal,no-proc-macro", "--target", target]
    lines = run(CARGO, "tree", *arguments, "--prefix", "depth", "--format", " {p}")
    depends: dict[Crate, set[Crate]] = {}
    path: list[Crate] = []
    for line in lines.splitlines():
        depth, name, version = line.split()[:3]
        crate = Crate(name, version.removeprefix("v"))
        del path[int(depth) :]
        depends.setdefault(crate, set())
        if path:
            depends[path[-1]].add(crate)
        path.append(crate)
    return depends


def packages(target: str) -> dict[Crate, dict[str, Any]]:
    """Return the crates' own metadata."""
    arguments = ["--locked", "--format-version", "1", "--filter-platform", target]
    metadata = json.loads(run(CARGO, "metadata", *arguments))
    return {Crate(package["name"], package["version"]): package for package in metadata["packages"]}


def checksums() -> dict[Crate, str]:
    """Return the SHA-256 of each crate's file, from the lock file."""
    found = {}
    for entry in Path("Cargo.lock").read_text(encoding="utf-8").split("[[package]]"):
        values = dict(re.findall(r'^(\w+) = "(.*)"$', entry, re.MULTILINE))
        if "checksum" in values:
            found[Crate(values["name"], values["version"])] = values["checksum"]
    return found


def licence(package: dict[str, Any]) -> str:
    """Return a licence as an SPDX expression; the older form uses a slash."""
    return (package["license"] or "").replace("/", " OR ")


def rust() -> str:
    """Return the version of the compiler and its standard library."""
    return run(os.environ.get("RUSTC", "rustc"), "--version").split()[1]


def component(crate: Crate, package: dict[str, Any], checksum: str | None) -> dict[str, Any]:
    """Return a crate as a component."""
    described: dict[str, Any] = {
        "type": "library",
        "bom-ref": crate.purl,
        "name": crate.name,
        "version": crate.version,
        "description": " ".join((package["description"] or "").split()),
        "licenses": [{"expression": licence(package)}],
        "purl": crate.purl,
    }
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def sbom(name: str, target: str, package: str) -> str:
    """Return the SBOM as JSON; two builds of the same source give the same bytes."""
    depends = graph(target, package)
    described = packages(target)
    sums = checksums()
    root = next(iter(depends))
    standard = f"pkg:generic/rust-std@{rust()}"
    subject = component(root, described[root], None)
    if name != LIBRARY:
        subject.update({"type": "application", "name": name})
    subject["purl"] = subject["bom-ref"] = f"pkg:generic/{name}@{root.version}"
    components = [component(crate, described[crate], sums.get(crate)) for crate in depends if crate != root]
    components.append(
        {
            "type": "library",
            "bom-ref": standard,
            "name": "rust-std",
            "version": rust(),
            "description": "The Rust standard library",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
            "purl": standard,
        }
    )
    edges = {crate.purl: sorted(other.purl for other in others) for crate, others in depends.items()}
    edges[subject["bom-ref"]] = sorted([*edges.pop(root.purl), standard])
    edges[standard] = []
    moment = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": subject,
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
        },
        "components": sorted(components, key=lambda entry: entry["bom-ref"]),
        "dependencies": [{"ref": ref, "dependsOn": edges[ref]} for ref in sorted(edges)],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:libdcs:sbom:{digest}").urn
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def texts(package: dict[str, Any]) -> list[str]:
    """Return the licence texts of a crate, and of the C sources in it."""
    folder = Path(package["manifest_path"]).parent
    files = [path for path in sorted(folder.iterdir()) if LICENCE_FILES.match(path.name)]
    if (folder / VENDORED).is_dir():
        files += [path for path in sorted((folder / VENDORED).iterdir()) if LICENCE_FILES.match(path.name)]
        files += sorted((folder / VENDORED).glob("third_party/*/LICENSE*"))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files if path.is_file()]


def notices(target: str, package: str) -> str:
    """Return the licence texts of the linked crates, each text once, below the crates that carry it."""
    described = packages(target)
    carriers: dict[str, list[str]] = {}
    wordings: dict[str, str] = {}
    bare = []
    for crate in sorted(graph(target, package)):
        if crate.name in OURS:
            continue
        line = f"{crate.name} {crate.version} ({licence(described[crate])})"
        found = texts(described[crate])
        if not found:
            authors = ", ".join(described[crate]["authors"])
            bare.append(f"{line}{f', by {authors}' if authors else ''}")
        for text in found:
            # The same text may be wrapped differently.
            words = " ".join(text.split())
            wordings.setdefault(words, text)
            if line not in carriers.setdefault(words, []):
                carriers[words].append(line)
    bare.append(f"The Rust standard library {rust()} (MIT OR Apache-2.0), by the Rust project's contributors")
    rule = "\n" + "=" * 100 + "\n"
    parts = ["libdcs contains the following software, each under the terms below its name.\n"]
    parts += ["\n".join(lines) + "\n\n" + wordings[words] + "\n" for words, lines in carriers.items()]
    parts.append("The licence texts of the following are above:\n\n" + "\n".join(bare) + "\n")
    return rule.join(parts)


def main() -> None:
    """Write the file that the command line asks for."""
    what, *arguments, file = sys.argv[1:] if len(sys.argv) > 2 else ["", ""]
    if what == "sbom" and len(arguments) == 3:
        text = sbom(*arguments)
    elif what == "notices" and len(arguments) == 2:
        text = notices(*arguments)
    else:
        sys.exit(__doc__)
    Path(file).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
