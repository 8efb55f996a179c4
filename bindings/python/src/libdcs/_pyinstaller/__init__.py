"""For PyInstaller, which asks the entry point in the package's metadata for folders with hooks."""

from __future__ import annotations

import os


def hook_dirs() -> list[str]:
    """Return the folder of the hook."""
    return [os.path.dirname(__file__)]
