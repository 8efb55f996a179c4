"""The options of a client, and the errors for invalid ones."""

from __future__ import annotations

import inspect
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import libdcs
from conftest import REPOSITORY, Testbed
from libdcs import Code, ConfigError

OPTIONS = {"ca_bundle": "ca_bundle", "certificate": "client_cert", "private_key": "client_key"}


def config_error(**options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as info:
        libdcs.Client(**options)
    assert info.value.hint
    return info.value


@pytest.mark.parametrize("form", ["str", "path", "bytes", "pem text"])
def test_files_as_path_or_content(testbed: Testbed, form: str) -> None:
    def given(name: str) -> object:
        path = Path(testbed.files[name])
        if form == "str":
            return str(path)
        if form == "path":
            return path
        return path.read_bytes() if form == "bytes" else path.read_bytes().decode("ascii")

    files = {option: given(name) for option, name in OPTIONS.items()}
    with testbed.client("tls12_close", **files) as client:
        assert client.status().available


class OddBytes(bytes):
    """Bytes whose methods describe other bytes."""

    def __len__(self) -> int:
        return 1 << 40

    def __bytes__(self) -> bytes:
        return b"other"

    def __contains__(self, part: object) -> bool:
        return False


class OddStr(str):
    """Text whose methods describe other text."""

    def __len__(self) -> int:
        return 1 << 40

    def __str__(self) -> str:
        return "other"

    def __contains__(self, part: object) -> bool:
        return False

    def encode(self, *arguments: str) -> bytes:
        return OddBytes(b"other")


class OddPath(os.PathLike):  # type: ignore[type-arg]
    """A path whose text is odd."""

    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return OddStr(self.path) if isinstance(self.path, str) else OddBytes(self.path)  # type: ignore[return-value]

    def __str__(self) -> str:
        return "other"


def every_second_byte(content: bytes) -> memoryview:
    spread = bytearray(2 * len(content))
    spread[::2] = content
    return memoryview(spread)[::2]


def four_byte_items(content: bytes) -> memoryview:
    # Line feeds after PEM.
    return memoryview(content + b"\n" * (-len(content) % 4)).cast("I")


BUFFERS: dict[str, Callable[[bytes], object]] = {
    "odd bytes": OddBytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "memoryview of a bytearray": lambda content: memoryview(bytearray(content)),
    "memoryview of odd bytes": lambda content: memoryview(OddBytes(content)),
    "every second byte": every_second_byte,
    "four-byte items": four_byte_items,
    "odd str": lambda content: OddStr(content.decode("ascii")),
}
PATHS: dict[str, Callable[[str], object]] = {
    "odd str": OddStr,
    "odd path": OddPath,
    "odd path of bytes": lambda path: OddPath(os.fsencode(path)),
}


@pytest.mark.parametrize("buffer", BUFFERS.values(), ids=BUFFERS)
def test_content_is_what_the_buffer_holds(testbed: Testbed, buffer: Callable[[bytes], Any]) -> None:
    files = {option: buffer(Path(testbed.files[name]).read_bytes()) for option, name in OPTIONS.items()}
    with testbed.client("tls12_close", **files) as client:
        assert client.status().available
    expected = libdcs.convert_key(testbed.files["client_key"])
    assert libdcs.convert_key(files["private_key"]) == expected
    assert libdcs.diagnose(**testbed.options(testbed.url("tls12_close"), **files)).ok


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_path_is_what_the_object_holds(testbed: Testbed, path: Callable[[str], Any]) -> None:
    files = {option: path(testbed.files[name]) for option, name in OPTIONS.items()}
    with testbed.client("tls12_close", **files, url=OddStr(testbed.url("tls12_close"))) as client:
        assert client.status().available
    assert libdcs.convert_key(files["private_key"]) == libdcs.convert_key(testbed.files["client_key"])


def test_nul_in_odd_text(testbed: Testbed) -> None:
    odds: tuple[Any, ...] = (OddStr("client\0.pem"), OddPath("client\0.pem"), OddPath(b"client\0.pem"))
    for odd in odds:
        assert "contains a NUL character" in str(config_error(ca_bundle=odd))
        with pytest.raises(ConfigError, match="contains a NUL character"):
            libdcs.convert_key(odd)
    key = Path(testbed.files["client_key_encrypted"]).read_bytes()
    with pytest.raises(ConfigError, match="contains a NUL character"):
        libdcs.convert_key(key, OddStr("correct horse\0"))
    assert libdcs.convert_key(key, OddStr("correct horse")) == libdcs.convert_key(key, "correct horse")


@pytest.mark.parametrize("kind", [bytes, str, bytearray])
def test_object_that_claims_to_be_content(kind: type) -> None:
    claiming = type("Claiming", (), {"__class__": property(lambda _: kind)})()
    assert claiming.__class__ is kind
    uses: list[Callable[[Any], object]] = [lambda it: libdcs.Client(ca_bundle=it), libdcs.convert_key]
    for use in uses:
        with pytest.raises(TypeError):
            use(claiming)


def test_files_are_read_only_by_constructor(testbed: Testbed, tmp_path: Path) -> None:
    for option, name in OPTIONS.items():
        shutil.copy(testbed.files[name], tmp_path / option)
    files = {option: tmp_path / option for option in OPTIONS}
    with testbed.client("tls12_close", **files) as client:
        for path in files.values():
            path.unlink()
        assert client.status().available


def test_non_ascii_paths(testbed: Testbed, tmp_path: Path) -> None:
    folder = tmp_path / "Schlüssel und ключи"
    folder.mkdir()
    for option, name in OPTIONS.items():
        shutil.copy(testbed.files[name], folder / option)
    for kind in (str, Path):
        files = {option: kind(folder / option) for option in OPTIONS}
        with testbed.client("tls12_close", **files) as client:
            assert client.status().available
    error = config_error(ca_bundle=folder / "missing")
    assert error.code is Code.FILE
    assert str(folder / "missing") in str(error)


@pytest.mark.parametrize("kind", [str, Path])
def test_path_that_is_not_utf8(kind: type) -> None:
    error = config_error(ca_bundle=kind(os.fsdecode(b"/tmp/\xff")))
    assert error.code is Code.INVALID_ARGUMENT
    assert "ca_bundle" in str(error)


@pytest.mark.parametrize(
    ("option", "name", "code"),
    [
        ("ca_bundle", "missing", Code.FILE),
        ("ca_bundle", "directory", Code.FILE),
        ("ca_bundle", "empty", Code.CA_BUNDLE),
        ("ca_bundle", "garbage", Code.CA_BUNDLE),
        ("ca_bundle", "client_cert", Code.CA_BUNDLE),
        ("ca_bundle", "client_key", Code.CA_BUNDLE),
        ("certificate", "missing", Code.FILE),
        ("certificate", "directory", Code.FILE),
        ("certificate", "empty", Code.CERTIFICATE),
        ("certificate", "garbage", Code.CERTIFICATE),
        ("certificate", "truncated_cert", Code.CERTIFICATE),
        ("certificate", "csr", Code.CERTIFICATE),
        ("certificate", "client_key", Code.CERTIFICATE),
        ("private_key", "missing", Code.FILE),
        ("private_key", "directory", Code.FILE),
        ("private_key", "empty", Code.PRIVATE_KEY),
        ("private_key", "garbage", Code.PRIVATE_KEY),
        ("private_key", "truncated_key", Code.PRIVATE_KEY),
        ("private_key", "public_key", Code.PRIVATE_KEY),
        ("private_key", "client_cert", Code.PRIVATE_KEY),
        ("private_key", "other_key", Code.KEY_MISMATCH),
        ("private_key", "client_key_encrypted", Code.PASSWORD),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_invalid_files(testbed: Testbed, option: str, name: str, code: Code, kind: type) -> None:
    path = Path(testbed.files[name])
    error = config_error(**testbed.options(testbed.url("tls12_close"), **{option: kind(path)}))
    assert error.code is code
    assert str(path) in str(error)
    assert_no_content(error, path)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["client_key", "truncated_key", "garbage", "empty", "csr"])
def test_invalid_content(testbed: Testbed, option: str, name: str) -> None:
    path = Path(testbed.files[name])
    if option == "private_key" and name == "client_key":
        path = Path(testbed.files["other_key"])
    error = config_error(**testbed.options(testbed.url("tls12_close"), **{option: path.read_bytes()}))
    assert 100 < error.code < 200
    assert_no_content(error, path)


def test_error_hides_key_without_line_breaks(testbed: Testbed) -> None:
    path = Path(testbed.files["client_key"])
    flattened = path.read_text(encoding="ascii").replace("\n", " ")
    for value in (flattened, flattened.encode()):
        options = testbed.options(testbed.url("tls12_close"), private_key=value)
        try:
            libdcs.Client(**options).close()
        except ConfigError as error:
            assert_no_content(error, path)


def assert_no_content(error: libdcs.DcsError, path: Path) -> None:
    """Fail if the error holds twelve consecutive characters of the file, other than its marker lines."""
    shown = f"{error}{error!r}{vars(error)}"
    if not path.is_file():
        return
    for line in path.read_bytes().decode("latin-1").splitlines():
        if not line.startswith("-----"):
            for start in range(len(line) - 11):
                assert line[start : start + 12] not in shown


@pytest.mark.parametrize("absent", ["certificate", "private_key"])
def test_certificate_without_key_is_rejected(testbed: Testbed, absent: str) -> None:
    error = config_error(**testbed.options(testbed.url("tls12_close"), **{absent: None}))
    assert error.code in (Code.CERTIFICATE, Code.PRIVATE_KEY, Code.INVALID_ARGUMENT)


def test_encrypted_key(testbed: Testbed) -> None:
    path = testbed.files["client_key_encrypted"]
    for key in (path, Path(path).read_bytes()):
        with testbed.client("tls12_close", private_key=key, password="correct horse") as client:
            assert client.status().available
    options = testbed.options(testbed.url("tls12_close"), private_key=path)
    for password in ("battery staple", "", None):
        error = config_error(**options, password=password)
        assert error.code is Code.PASSWORD
        assert path in str(error)
        assert "battery" not in str(error)
        assert_no_content(error, Path(path))


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://localhost/checks/passport"},
        {"url": "localhost"},
        {"url": ""},
        {"url": "https://localhost/\ud800"},
        {"url": "https://localhost/\0"},
        {"timeout": 0},
        {"timeout": None},
        {"timeout": -1.0},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"timeout": 1e306},
        {"timeout": 10**5000},
        {"connect_timeout": 0.0},
        {"connect_timeout": None},
        {"connect_timeout": 1e12},
        {"reload_interval": -1.0},
        {"reload_interval": float("nan")},
        {"proxy": "socks5://127.0.0.1:1080"},
        {"proxy": "no proxy"},
    ],
    ids=lambda options: repr(options) if options != {"timeout": 10**5000} else "a large int",
)
def test_invalid_options(testbed: Testbed, options: dict[str, Any]) -> None:
    error = config_error(**testbed.options(testbed.url("tls12_close"), **options))
    assert error.code is Code.INVALID_ARGUMENT
    assert next(iter(options)) in str(error).lower().replace(" ", "_")


def test_errors_hide_passwords(testbed: Testbed) -> None:
    secrets = {
        "password": "hunter2\0",
        "proxy": "https://user:hunter2@127.0.0.1:1",
        "url": "http://user:hunter2@localhost/",
    }
    for option, value in secrets.items():
        error = config_error(**testbed.options(testbed.url("tls12_close"), **{option: value}))
        assert error.code is Code.INVALID_ARGUMENT
        assert "hunter2" not in f"{error}{vars(error)}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": b"https://localhost/"}, "url must be a str, not bytes"),
        ({"password": 5}, "password must be a str, not int"),
        ({"ca_bundle": 5}, "ca_bundle must be a path"),
        ({"timeout": "5"}, "timeout must be a number of seconds, not str"),
        ({"reload_interval": "5"}, "reload_interval must be a number of seconds, not str"),
        ({"honour_retry_after": 1}, "honour_retry_after must be a bool, not int"),
        ({"honour_retry_after": None}, "honour_retry_after must be a bool, not NoneType"),
        ({"status_max_age": "5"}, "status_max_age must be a number of seconds, not str"),
    ],
)
def test_wrong_types(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        libdcs.Client(**options)


def test_timeout_below_one_millisecond_rounds_up(testbed: Testbed) -> None:
    # 0 would be rejected.
    testbed.client("tls12_close", timeout=0.0001, connect_timeout=0.0001).close()


def test_default_url_is_integration_endpoint(testbed: Testbed) -> None:
    with libdcs.Client(ca_bundle=testbed.files["ca_bundle"]) as client:  # Makes no call.
        assert repr(client) == "<libdcs.Client for dcs-integration.ida.digital.cabinet-office.gov.uk:443>"


def test_default_timeouts_match_header(testbed: Testbed) -> None:
    header = (REPOSITORY / "include" / "dcs.h").read_text(encoding="utf-8")
    for function in (libdcs.Client, libdcs.diagnose):
        parameters = inspect.signature(function).parameters
        for name in ("timeout", "connect_timeout"):
            comment = header.partition(f" dcs_config_set_{name}_ms(")[0].rpartition("/**")[2]
            default = re.search(r"Default: ([\d ]+)", comment)
            assert default is not None
            assert parameters[name].default == int(default[1].replace(" ", "")) / 1000
    with libdcs.Client(ca_bundle=testbed.files["ca_bundle"]) as client:
        assert client._handle is not None
        timeout_ms = libdcs._native.api.dcs_client_timeout_ms(client._handle.address)
        assert timeout_ms == inspect.signature(libdcs.Client).parameters["timeout"].default * 1000


def test_ca_bundle_is_required() -> None:
    error = config_error()
    assert error.code is Code.CA_BUNDLE


def test_from_env(testbed: Testbed, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "DCS_URL": testbed.url("tls12_close", "/unavailable"),
        "DCS_CA_BUNDLE": testbed.files["ca_bundle"],
        "DCS_CERTIFICATE": testbed.files["client_cert"],
        "DCS_PRIVATE_KEY": testbed.files["client_key_encrypted"],
        "DCS_PRIVATE_KEY_PASSWORD": "correct horse",
        "DCS_TIMEOUT_MS": "20000",
    }
    monkeypatch.delenv("DCS_PROXY", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with libdcs.Client.from_env() as client:
        assert client.status().message == "Unplanned outage"
        assert repr(client).startswith("<libdcs.Client for localhost:")

    class Mine(libdcs.Client):
        pass

    with Mine.from_env() as mine:
        assert isinstance(mine, Mine)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DCS_URL", "http://localhost/", Code.INVALID_ARGUMENT),
        ("DCS_TIMEOUT_MS", "soon", Code.INVALID_ARGUMENT),
        ("DCS_CA_BUNDLE", "/nowhere/ca.pem", Code.FILE),
    ],
)
def test_from_env_error_names_variable_or_file(
    name: str, value: str, code: Code, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in [key for key in os.environ if key.startswith("DCS_") and key != "DCS_TESTBED"]:
        monkeypatch.delenv(other)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as info:
        libdcs.Client.from_env()
    assert info.value.code is code
    assert (name if code is Code.INVALID_ARGUMENT else value) in str(info.value)


def test_repr_hides_query(testbed: Testbed) -> None:
    url = testbed.url("tls12_close", "/checks/passport?token=hunter2")
    client = libdcs.Client(**testbed.options(url))
    host = testbed.urls["tls12_close"].partition("://")[2]
    assert repr(client) == f"<libdcs.Client for {host}>"
    client.close()
    assert repr(client) == f"<libdcs.Client for {host}, closed>"
    assert "not created" in repr(libdcs.Client.__new__(libdcs.Client))
