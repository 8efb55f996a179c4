"""Adds the library to a program: PyInstaller itself finds only the libraries of extension modules."""

from PyInstaller.utils.hooks import collect_dynamic_libs  # type: ignore[import-untyped]

binaries = collect_dynamic_libs("libdcs")
