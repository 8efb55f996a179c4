"""The conversion of private keys."""

from __future__ import annotations

import os
from ctypes import byref, c_void_p, string_at

from ._config import BUFFERS, buffer_bytes, text_argument, utf8
from ._error import from_handle
from ._native import api


def convert_key(
    private_key: str | os.PathLike[str] | bytes | bytearray | memoryview, password: str | None = None
) -> bytes:
    """Convert a private key to PKCS#8 in DER, not encrypted.

    Returns the bytes that `openssl pkcs8 -topk8 -nocrypt -outform DER` writes. They are secret: a file with
    them should be readable by its owner only.

    Args:
        private_key: A path (str or os.PathLike), or the content as bytes (also a bytearray or a memoryview)
            or as a str of PEM text. Accepts the same formats as `Client`.
        password: The password of an encrypted key.

    Raises:
        ConfigError: The file cannot be read (`Code.FILE`), holds no usable key or more than one
            (`Code.PRIVATE_KEY`), or the password is missing or wrong (`Code.PASSWORD`).
        TypeError: A value is of the wrong type.
    """
    path, data = None, b""
    if isinstance(private_key, BUFFERS):
        data = buffer_bytes(private_key)
    elif isinstance(private_key, str):
        text = text_argument("private_key", private_key)
        path, data = (None, text) if b"-----BEGIN" in text else (text, b"")
    elif isinstance(private_key, os.PathLike):
        path = utf8("private_key", os.fspath(private_key))
    else:
        kind = type(private_key).__name__
        raise TypeError(f"private_key must be a path (str or os.PathLike) or bytes, not {kind}")
    secret = None if password is None else text_argument("password", password)
    der, error = c_void_p(), c_void_p()
    try:
        if path is None:
            code = api.dcs_private_key_to_pkcs8_der(data, len(data), secret, byref(der), byref(error))
        else:
            code = api.dcs_private_key_file_to_pkcs8_der(path, secret, byref(der), byref(error))
        if code:
            raise from_handle(code, error.value)
        return string_at(api.dcs_buffer_data(der), api.dcs_buffer_len(der))
    finally:
        api.dcs_buffer_free(der)
        api.dcs_error_free(error)
