"""Checks that the modules of `src` import downwards only.

The top-level modules form layers, listed in LAYERS from top to bottom. A module may import only those
below it, so each folder can be understood without the ones above. Inside a folder the files have no
order, but their imports must not form a cycle.

`make lint` runs this. It prints every upward import and every cycle, and then exits with 1.
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
    # The connection: DNS lookup, TCP, proxy, TLS, HTTP.
    "transport",
    # The caller's settings, and operations on files alone.
    "key_export",
    "inspect",
    "config",
    # From files to certificates, keys and trust anchors.
    "credentials",
    # Used everywhere.
    "log",
    "panic",
    "error",
    # The bottom layer.
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
    """Yields the module paths in a file that begin with `crate::` or `super::`."""
    module = module_of(file)
    # A test module at the end of a file is one level deeper; its `super` is the file itself.
    text, _, tests = COMMENT.sub("", file.read_text()).partition("#[cfg(test)]\nmod tests {")
    for part, here in ((text, module), (tests, (*module, "tests"))):
        for start, group in IMPORT.findall(part):
            base = () if start == "crate" else here[: len(here) - start.count("super")]
            for name in names(group):
                yield (*base, name)


def find_cycle(edges: dict[str, set[str]]) -> list[str]:
    """Returns a cycle of the graph, or an empty list."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for target in sorted(edges.get(node, ())):
            if cycle := visit(target, [*path, node]):
                return cycle
        done.add(node)
        return []

    for node in sorted(edges):
        if cycle := visit(node, []):
            return cycle
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
                faults.append(f"src/{file.relative_to(ROOT)} imports `{top}`, which is above it")
            *folder, name = module
            sibling = target[: len(module)]
            is_sibling = folder and sibling in modules and sibling != module and [*sibling[:-1]] == folder
            if is_sibling:
                siblings.setdefault("/".join(folder), {}).setdefault(name, set()).add(sibling[-1])
    for path, edges in siblings.items():
        if cycle := find_cycle(edges):
            faults.append(f"src/{path}: import cycle: {' -> '.join(cycle)}")
    for fault in sorted(set(faults)):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
