"""Writes the CycloneDX SBOM of the jar: JNA, and the components of the native libraries from their SBOMs.

java_sbom.py FILE SBOM...
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any


def element(pom: str, name: str) -> str:
    """Return the text of the first element with a name."""
    match = re.search(rf"<{name}>(.+?)</{name}>", pom)
    if match is None:
        sys.exit(f"bindings/java/pom.xml has no <{name}>")
    return match[1]


def main() -> None:
    """Write the file."""
    out, *inputs = (Path(argument) for argument in sys.argv[1:])
    natives = [json.loads(path.read_text(encoding="utf-8")) for path in inputs]
    pom = Path("bindings/java/pom.xml").read_text(encoding="utf-8")
    jna_version = element(pom[pom.index("<artifactId>jna</artifactId>") :], "version")
    jna = f"pkg:maven/net.java.dev.jna/jna@{jna_version}?type=jar"
    jar = f"pkg:maven/io.github.libdcs/libdcs@{element(pom, 'version')}?type=jar"
    components: dict[str, dict[str, Any]] = {
        jna: {
            "type": "library",
            "bom-ref": jna,
            "group": "net.java.dev.jna",
            "name": "jna",
            "version": jna_version,
            "licenses": [{"expression": "LGPL-2.1-or-later OR Apache-2.0"}],
            "purl": jna,
        }
    }
    edges: dict[str, set[str]] = {jar: {jna}, jna: set()}
    for native in natives:
        subject = native["metadata"]["component"]
        edges[jar].add(subject["bom-ref"])
        for component in [subject, *native["components"]]:
            components[component["bom-ref"]] = component
        for dependency in native["dependencies"]:
            edges.setdefault(dependency["ref"], set()).update(dependency["dependsOn"])
    document: dict[str, Any] = {
        **{key: natives[0][key] for key in ("$schema", "bomFormat", "specVersion", "version")},
        "metadata": {
            "timestamp": natives[0]["metadata"]["timestamp"],
            "component": {
                "type": "library",
                "bom-ref": jar,
                "group": "io.github.libdcs",
                "name": "libdcs",
                "version": element(pom, "version"),
                "description": element(pom, "description"),
                "licenses": [{"expression": "MIT"}],
                "purl": jar,
            },
        },
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": ref, "dependsOn": sorted(edges[ref])} for ref in sorted(edges)],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:libdcs:sbom:{digest}").urn
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
