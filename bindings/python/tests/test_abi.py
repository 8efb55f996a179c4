"""The binding's tables against include/dcs.h."""

from __future__ import annotations

import ctypes
import logging
import re
from typing import Any

import pytest

import libdcs
from conftest import REPOSITORY, not_on_pypy
from libdcs import Code, _log, _native

SCALARS: dict[str, Any] = {
    "void": None,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "dcs_code": ctypes.c_int32,
}


@pytest.fixture(scope="module")
def header() -> str:
    """The header without its comments and its conditionals."""
    source = (REPOSITORY / "include" / "dcs.h").read_text(encoding="utf-8")
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
    return re.sub(r"^\s*#\s*(?!define)[^\n]*$", "", source, flags=re.MULTILINE)


def c_type(declaration: str, *, is_result: bool = False) -> Any:
    """Return the ctypes type for a result or a parameter, whose name may follow."""
    words = declaration.replace("*", " * ").replace("struct ", "").split()
    stars = words.count("*")
    base = next(word for word in words if word != "const")
    if stars == 0:
        return SCALARS[base]
    if stars == 1 and is_result and base == "uint8_t":
        return ctypes.c_void_p  # From c_char_p ctypes would read up to the first zero byte.
    if stars == 1:
        return ctypes.c_char_p if base in ("char", "uint8_t") else ctypes.c_void_p
    assert stars == 2
    assert base.startswith("dcs_")
    return ctypes.POINTER(ctypes.c_void_p)


def declared(header: str) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    functions = {}
    for match in re.finditer(r"([\w\s*]+?)\b(dcs_\w+)\s*\(([^()]*)\)[^;{]*;", header):
        result, name, parameters = match.groups()
        if "dcs_log_callback" in parameters:
            # Not bound on purpose: a callback would run Python in the middle of a call, in any thread.
            # The binding drains the log with dcs_log_next.
            continue
        result = result.replace("DCS_API", "").replace("extern", "")
        arguments = [] if parameters.strip() in ("", "void") else parameters.split(",")
        functions[name] = (c_type(result, is_result=True), tuple(c_type(argument) for argument in arguments))
    return functions


def test_every_function_is_bound_as_the_header_declares_it(header: str) -> None:
    functions = declared(header)
    assert len(functions) > 50
    assert functions == _native.TABLE


def test_every_bound_function_has_its_types() -> None:
    for name, (result, arguments) in _native.TABLE.items():
        function = getattr(_native.api, name)
        assert function.restype is result
        assert tuple(function.argtypes) == arguments
    with pytest.raises(AttributeError):
        _ = _native.api.dcs_no_such_function
    assert set(_native.TABLE) > _native.WAITING


@not_on_pypy("there every call lets go of it")
def test_what_waits_lets_go_of_the_interpreter_lock() -> None:
    keeps_lock = 4  # FUNCFLAG_PYTHONAPI
    for name in _native.TABLE:
        kept = bool(getattr(_native.api, name)._flags_ & keeps_lock)
        assert kept is (name not in _native.WAITING), name
    assert {name for name in _native.TABLE if name.endswith("_pkcs8_der")} | {
        "dcs_diagnose",
        "dcs_diagnose_until",
    } < _native.WAITING


def test_the_codes_are_the_headers(header: str) -> None:
    found = re.findall(r"^\s*#define\s+(DCS_(?:OK|ERR_\w+))\s+\(?(-?\d+)\)?\s*$", header, re.MULTILINE)
    constants = {name: int(number) for name, number in found}
    assert len(constants) == len(found) > 20
    assert {str(code): code.value for code in Code} == constants


def test_the_library_knows_every_code_by_the_same_name() -> None:
    for code in Code:
        assert _native.api.dcs_code_name(code).decode() == str(code)
        assert _native.api.dcs_code_hint(code)


def test_the_levels_and_targets_of_the_log_are_the_headers(header: str) -> None:
    found = dict(re.findall(r"^\s*#define\s+DCS_LOG_(\w+)\s+(\d+)\s*$", header, re.MULTILINE))
    levels = {name: int(number) for name, number in found.items()}
    assert levels.pop("OFF") == 0
    expected = {"ERROR": logging.INFO, "TRACE": _log.TRACE}
    for name, number in levels.items():
        assert _log.LEVELS[number] == (expected.get(name) or getattr(logging, name)), name
    assert len(_log.LEVELS) == len(levels)
    source = (REPOSITORY / "include" / "dcs.h").read_text(encoding="utf-8")
    end = source.index("dcs_log_record_target(")
    described = source[source.rindex("/**", 0, end) : end]
    assert set(re.findall(r'"(dcs\.\w+)"', described)) == set(_log.TARGETS)


def test_the_abi_version_is_the_librarys(header: str) -> None:
    assert _native.api.dcs_abi_version() == _native.ABI_VERSION
    for number in re.findall(r"#define\s+DCS_ABI_VERSION\s+(\d+)", header):
        assert int(number) == _native.ABI_VERSION


def test_everything_public_is_documented() -> None:
    assert libdcs.__doc__
    for name in libdcs.__all__:
        value = getattr(libdcs, name)
        if callable(value):
            assert value.__doc__, name
            assert value.__module__ == "libdcs"
        if isinstance(value, type):
            for member, method in vars(value).items():
                if callable(method) and not member.startswith("_"):
                    assert method.__doc__, f"{name}.{member}"
