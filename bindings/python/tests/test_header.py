"""Compares the generated parts of the package with include/dcs.h; with DCS_WRITE_BINDINGS=1 writes them.

Imports nothing of the package, so that it also runs when the table is too old to load the library.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "bindings" / "python" / "src" / "libdcs"
HEADER = (REPOSITORY / "include" / "dcs.h").read_text(encoding="utf-8")

FUNCTIONS_BEGIN = '''\
"""The functions of the library and their types. Generated from include/dcs.h; do not edit."""

from __future__ import annotations

from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_void_p

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any

_OUT = POINTER(c_void_p)

# name: (result, parameters)
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
'''

CODES_BEGIN = "    # Generated from include/dcs.h; do not edit.\n"
CODES_END = "    # End of the generated lines.\n"

SCALARS = {
    "void": "None",
    "int32_t": "c_int32",
    "uint32_t": "c_uint32",
    "int64_t": "c_int64",
    "size_t": "c_size_t",
    "dcs_code": "c_int32",
}


def test_functions_match_header() -> None:
    compare(PACKAGE / "_functions.py", f"{FUNCTIONS_BEGIN}{''.join(functions())}}}\n")


def test_codes_match_header() -> None:
    path = PACKAGE / "_code.py"
    source = path.read_text(encoding="utf-8")
    generated = re.compile(f"(?<={CODES_BEGIN}).*(?={CODES_END})", re.DOTALL)
    assert generated.search(source)
    compare(path, generated.sub(lambda _: "".join(codes()), source))


def compare(path: Path, expected: str) -> None:
    if os.environ.get("DCS_WRITE_BINDINGS"):
        path.write_text(expected, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == expected, f"{path.name} is out of date: run `make bindings`"


def functions() -> list[str]:
    declarations = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    lines = []
    for result, name, parameters in re.findall(
        r"^(\w[\w *]*?)\b(dcs_\w+)\(([^()]*)\);", declarations, re.MULTILINE
    ):
        # Not bound: the callback would run Python in the middle of a call of any thread.
        if name == "dcs_log_set_callback":
            continue
        types = [ctypes_name(parameter) for parameter in parameters.split(",") if parameter != "void"]
        # ctypes would read the bytes of a c_char_p result only up to the first zero.
        returned = "c_void_p" if "uint8_t" in result else ctypes_name(result)
        lines.append(f'    "{name}": ({returned}, ({", ".join(types)}{"," * (len(types) == 1)})),\n')
    assert len(lines) == len(re.findall(r"\bdcs_\w+\(", declarations)) - 1 > 50
    return lines


def ctypes_name(declaration: str) -> str:
    """Return the ctypes type of a result, or of a parameter and its name."""
    words = declaration.replace("*", " * ").split()
    base = next(word for word in words if word not in ("const", "struct"))
    pointers = words.count("*")
    if base == "dcs_cancellation_callback":
        return "c_void_p"
    if pointers == 0:
        return SCALARS[base]
    if pointers == 1:
        return "c_char_p" if base in ("char", "uint8_t") else "c_void_p"
    assert pointers == 2
    assert base.startswith("dcs_")
    return "_OUT"


def codes() -> list[str]:
    lines = []
    for comment, name, number in re.findall(
        r"/\*\*((?:(?!\*/).)*)\*/\s*#define DCS_(OK|ERR_\w+) (\d+)$", HEADER, re.DOTALL | re.MULTILINE
    ):
        text = " ".join(re.sub(r"^ \* ", "", comment, flags=re.MULTILINE).split())
        lines.append(f"    {name.replace('ERR_', '', 1)} = {number}\n")
        if len(text) <= 100:
            lines.append(f'    """{text}"""\n')
        else:
            lines.append(textwrap.indent(f'"""{textwrap.fill(text, 100)}\n"""\n', "    "))
    assert len(lines) > 50
    return lines
