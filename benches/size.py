#!/usr/bin/env python3
"""Shows where the bytes of libdcs.so come from: code and constants by crate, sections by name.

    make bench-size        (or: benches/size.py [--json])

Builds the release library with its symbol table into target/symbols, sums the sizes of its symbols with nm by
crate, and prints the sections of the stripped file. A generic function of the standard library counts for the
crate of its type parameter, and inlined code for the crate that it was inlined into.
"""

from __future__ import annotations

import collections
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from common import ROOT, TARGET

SYMBOLS = TARGET / "symbols"

# The kind of a symbol's memory, by nm's letter in either case.
KINDS = {"t": "code", "w": "code", "r": "constants", "v": "constants", "d": "data", "b": "data"}
STANDARD = {
    "core",
    "alloc",
    "std",
    "hashbrown",
    "gimli",
    "addr2line",
    "rustc_demangle",
    "miniz_oxide",
    "object",
}
PRIMITIVES = {"dyn", "mut", "const", "impl", "as", "for"}


def build() -> Path:
    """Builds the release library with its symbols."""
    environment = dict(os.environ, CARGO_PROFILE_RELEASE_STRIP="none", CARGO_TARGET_DIR=str(SYMBOLS))
    subprocess.run(
        ["cargo", "rustc", "--release", "--locked", "--lib", "--crate-type", "cdylib", "--quiet"],
        cwd=ROOT,
        env=environment,
        check=True,
    )
    return SYMBOLS / "release" / "libdcs.so"


def crate(name: str) -> str:
    """Returns the crate of a demangled symbol."""
    if name.startswith("dcs_"):
        return "dcs"
    if name.startswith(("anon.", ".Lanon", "vtable", "str.", "switch.table", "__rust", "_R")):
        return "Rust, unnamed"
    # C and assembler.
    if "::" not in name:
        return "aws-lc"
    for word in re.findall(r"(?<![:\w])([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::", name):
        if word not in PRIMITIVES and word not in STANDARD:
            return str(word)
    return "the standard library"


def symbols(library: Path) -> dict[str, collections.Counter[str]]:
    """Returns bytes by crate and kind. Several symbols at one address count once."""
    totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    seen = set()
    listing = subprocess.run(
        ["nm", "--print-size", "--demangle", "--defined-only", library],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for line in listing.splitlines():
        fields = line.split(None, 3)
        if len(fields) < 4 or not re.fullmatch("[0-9a-f]{16}", fields[1]) or fields[0] in seen:
            continue
        seen.add(fields[0])
        kind = KINDS.get(fields[2].lower())
        if kind:
            totals[crate(fields[3])][kind] += int(fields[1], 16)
    return totals


def sections(library: Path) -> dict[str, int]:
    """Returns bytes by section, for the sections that are loaded."""
    listing = subprocess.run(["size", "-A", library], capture_output=True, text=True, check=True).stdout
    sizes = {}
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1].isdigit() and not fields[0].startswith((".debug", ".bss")):
            sizes[fields[0]] = int(fields[1])
    return sizes


def main() -> None:
    """Builds the library, measures it and prints the tables."""
    library = build()
    stripped = SYMBOLS / "stripped.so"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    crates, parts = symbols(library), sections(stripped)
    if "--json" in sys.argv[1:]:
        figures = {"file": stripped.stat().st_size, "crates": crates, "sections": parts}
        json.dump(figures, sys.stdout, indent=1)
        return
    print(f"libdcs.so, stripped: {stripped.stat().st_size:,} bytes\n")
    print(f"{'section':24} {'bytes':>12}")
    for name, size in sorted(parts.items(), key=lambda item: -item[1])[:10]:
        print(f"{name:24} {size:12,}")
    print(f"\n{'crate':24} {'code':>12} {'constants':>12}")
    for name, kinds in sorted(crates.items(), key=lambda item: -sum(item[1].values()))[:30]:
        print(f"{name:24} {kinds['code']:12,} {kinds['constants'] + kinds['data']:12,}")


if __name__ == "__main__":
    main()
