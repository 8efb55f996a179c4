#!/usr/bin/env python3
"""Writes down the ABI of a built libdcs.so with its debug information, for abidiff.

    dump.py LIBRARY FILE

abidw's dump also has all that the handles hold, which is the library's own affair and would change with
every field that is added to it. Here a handle is a name, what is passed by value has its size, and types
are numbered in the order in which the functions, by their names, use them.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

Element = ElementTree.Element


def whole_dump(library: str) -> Element:
    """Return what abidw says about a library."""
    command = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]
    dump = subprocess.run([*command, library], check=True, stdout=subprocess.PIPE).stdout
    return ElementTree.fromstring(dump)


class Reduced:
    """The types that the functions use, each with a new number."""

    def __init__(self, dump: Element, unit: Element) -> None:
        """Take types from the dump into the unit."""
        self.types = {element.get("id"): element for element in dump.iter() if element.get("id")}
        self.unit = unit
        self.numbers: dict[tuple[str | None, bool], str] = {}

    def take(self, number: str | None, behind_pointer: bool = False) -> str:
        """Return the new number of a type, which is written before those that refer to it."""
        kind = self.types[number]
        # Only a handle's size depends on how it is reached.
        key = (number, behind_pointer and kind.tag == "class-decl")
        if key not in self.numbers:
            made = ElementTree.Element(kind.tag, kind.attrib)
            del made.attrib["id"]
            if kind.get("type-id"):
                is_pointer = kind.tag == "pointer-type-def"
                made.set("type-id", self.take(kind.get("type-id"), is_pointer))
            if kind.tag == "enum-decl":
                for part in kind:
                    copy = ElementTree.SubElement(made, part.tag, part.attrib)
                    if part.get("type-id"):
                        copy.set("type-id", self.take(part.get("type-id")))
            elif kind.tag == "class-decl" and behind_pointer:
                made.attrib.pop("size-in-bits", None)
                made.set("is-declaration-only", "yes")
            elif kind.tag not in ("class-decl", "pointer-type-def", "type-decl"):
                sys.exit(f"dump.py does not know {kind.tag} ({kind.get('name')}): have it keep what counts.")
            self.numbers[key] = f"type-id-{len(self.numbers) + 1}"
            made.set("id", self.numbers[key])
            self.unit.append(made)
        return self.numbers[key]


def reduced(dump: Element) -> Element:
    """Return the exported functions with their types."""
    whole = ElementTree.Element("abi-corpus", dump.attrib)
    symbols = dump.find("elf-function-symbols")
    if symbols is None:
        sys.exit("dump.py: the library exports no function.")
    # A test of its own sees that nothing else is exported; a build for measuring has more.
    symbols[:] = [symbol for symbol in symbols if symbol.attrib["name"].startswith("dcs_")]
    whole.append(symbols)
    about = {"address-size": "64", "path": "src/ffi", "language": "LANG_C99"}
    unit = ElementTree.SubElement(whole, "abi-instr", about)
    types = Reduced(dump, unit)
    exported = {symbol.attrib["name"] for symbol in symbols}
    functions = {f.get("name"): f for f in dump.iter("function-decl") if f.get("elf-symbol-id") in exported}
    without_types = sorted(exported - functions.keys())
    if without_types:
        sys.exit(f"dump.py: the library has no debug information about {', '.join(without_types)}.")
    made = []
    for _, function in sorted(functions.items()):
        for part in function:
            part.set("type-id", types.take(part.get("type-id")))
        made.append(function)
    unit.extend(made)
    return whole


def main() -> None:
    """Write the file."""
    library, file = sys.argv[1:]
    root = reduced(whole_dump(library))
    ElementTree.indent(root)
    Path(file).write_text(ElementTree.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
