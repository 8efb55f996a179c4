"""The loaded library and the package's tables against include/dcs.h."""

from __future__ import annotations

import logging
import re

import pytest

import libdcs
from conftest import REPOSITORY, not_on_pypy
from libdcs import Code, _log, _native
from libdcs._functions import FUNCTIONS


@pytest.fixture(scope="module")
def header() -> str:
    """The header without comments and conditionals."""
    source = (REPOSITORY / "include" / "dcs.h").read_text(encoding="utf-8")
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
    return re.sub(r"^\s*#\s*(?!define)[^\n]*$", "", source, flags=re.MULTILINE)


def test_functions_have_declared_types() -> None:
    for name, (result, parameters) in FUNCTIONS.items():
        function = getattr(_native.api, name)
        assert function.restype is result
        assert tuple(function.argtypes) == parameters
    with pytest.raises(AttributeError):
        _ = _native.api.dcs_no_such_function
    assert set(FUNCTIONS) > _native.RELEASES_GIL


@not_on_pypy("there every call releases it")
def test_waiting_functions_release_gil() -> None:
    holds_gil = 4  # FUNCFLAG_PYTHONAPI
    for name in FUNCTIONS:
        holds = bool(getattr(_native.api, name)._flags_ & holds_gil)
        assert holds is (name not in _native.RELEASES_GIL), name
    assert {name for name in FUNCTIONS if name.endswith("_pkcs8_der")} | {
        "dcs_diagnose",
        "dcs_diagnose_until",
    } < _native.RELEASES_GIL


def test_code_names_match_library() -> None:
    for code in Code:
        assert _native.api.dcs_code_name(code).decode() == str(code)
        assert _native.api.dcs_code_hint(code)


def test_log_levels_and_targets_match_header(header: str) -> None:
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


def test_abi_version_matches_library(header: str) -> None:
    assert _native.api.dcs_abi_version() == _native.ABI_VERSION
    for number in re.findall(r"#define\s+DCS_ABI_VERSION\s+(\d+)", header):
        assert int(number) == _native.ABI_VERSION


def test_public_names_are_documented() -> None:
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
