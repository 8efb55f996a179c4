"""Checks that the modules of `src` import downwards only.

The top-level modules form layers, listed in LAYERS from top to bottom. A module may import those below it, so the folders
form no circle and each can be understood without the ones above. Inside a folder the files may stand in any order, but
form no circle either.

Run by `make lint`; prints every import that runs upwards and every circle, and then exits with 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LAYERS = (
    # Only compiled for the fuzz targets.
    "fuzzing",
    # The C ABI: conversion only.
    "ffi",
    # The client, its snapshot of the files, and what calls share.
    "client",
    # The checks, their ranking and the renderings of a report.
    "diagnose",
    # From an HTTP answer to a status or an error.
    "response",
    # The connection: look-up, TCP, proxy, TLS, HTTP.
    "transport",
    # What the caller sets, and what is done with files alone.
    "key_export",
    "inspect",
    "config",
    # From files to certificates, keys and trust anchors.
    "credentials",
    # Used everywhere.
    "log",
    "panic",
    "error",
    # The ground floor.
    "redact",
    "sanitize",
    "status",
    "handshake",
    "fork_gate",
    "datetime",
    "sys",
)

ROOT = Path(__file__).resolve().parent.parent / "src"
COMMENT = re.compile(r"//.*")
# `crate::a`, `super::a` and the same with several names in braces, which may be nested one level deep.
IMPORT = re.compile(r"\b(crate|(?:super::)*super)::(\w+|\{(?:[^{}]|\{[^{}]*\})*\})")


def names(group: str) -> Iterator[str]:
    """Yields the first name of each path in `a` or `{a::b, c::{d, e}}`."""
    if not group.startswith("{"):
        yield group
        return
    flat = re.sub(r"\{[^{}]*\}", "", group[1:-1])
    for path in flat.split(","):
        if path.strip():
            yield path.strip().split("::")[0].split(" ")[0]


def module_of(file: Path) -> tuple[str, ...]:
    """Returns the module path of a source file, such as ("transport", "dns")."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "mod" else parts


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """Yields the module paths that a file names, as far as `crate::` and `super::` lead."""
    module = module_of(file)
    # A test module at the end of a file is one level deeper; its `super` is the file itself.
    text, _, tests = COMMENT.sub("", file.read_text()).partition("#[cfg(test)]\nmod tests {")
    for part, here in ((text, module), (tests, (*module, "tests"))):
        for start, group in IMPORT.findall(part):
            base = () if start == "crate" else here[: len(here) - start.count("super")]
            for name in names(group):
                yield (*base, name)


def find_circle(edges: dict[str, set[str]]) -> list[str]:
    """Returns a circle in the graph, or an empty list."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(edges.get(node, ())):
            if circle := visit(target, [*path, node]):
                return circle
        done.add(node)
        return []

    for node in sorted(edges):
        if circle := visit(node, []):
            return circle
    return []


def main() -> int:
    """Checks every file and returns the exit code."""
    faults: list[str] = []
    siblings: dict[str, dict[str, set[str]]] = {}
    files = sorted(file for file in ROOT.rglob("*.rs") if file.name != "lib.rs")
    modules = {module_of(file) for file in files}
    for file in files:
        module = module_of(file)
        if module[0] not in LAYERS:
            faults.append(f"{file.name}: `{module[0]}` is not in LAYERS of scripts/layers.py")
            continue
        for target in imports(file):
            top = target[0]
            if top in LAYERS and LAYERS.index(top) < LAYERS.index(module[0]):
                faults.append(f"src/{file.relative_to(ROOT)} imports `{top}`, which lies above it")
            depth = len(module) - 1
            if depth > 0 and len(target) > depth and target[:depth] == module[:depth] and target[: depth + 1] in modules:
                folder, sibling = "::".join(module[:depth]), target[depth]
                if sibling != module[depth]:
                    siblings.setdefault(folder, {}).setdefault(module[depth], set()).add(sibling)
    for folder, edges in siblings.items():
        if circle := find_circle(edges):
            faults.append(f"src/{folder.replace('::', '/')}: a circle: {' -> '.join(circle)}")
    for fault in sorted(set(faults)):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
