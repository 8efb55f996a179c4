"""What the benchmarks share: paths, the testbed, and how their C programs are compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
# The benchmarks' own programs and results.
BENCH = TARGET / "bench"
TESTBED = TARGET / "debug" / "dcs-testbed"


def testbed() -> Any:
    """Returns the addresses and files of the running testbed."""
    if "DCS_TESTBED" not in os.environ:
        sys.exit("DCS_TESTBED is not set: use the targets of the Makefile")
    return json.loads(Path(os.environ["DCS_TESTBED"]).read_text(encoding="utf-8"))


def client_files(files: dict[str, str]) -> list[str]:
    """Returns the CA bundle, the certificate chain and the private key of a client."""
    return [files[name] for name in ("ca_bundle", "client_chain", "client_key")]


def compile_c(program: Path, *sources: str, flags: tuple[str, ...] = ()) -> Path:
    """Compiles sources of this folder and links them with the release library if they use it."""
    program.parent.mkdir(parents=True, exist_ok=True)
    release = TARGET / "release"
    options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", *flags, f"-I{ROOT}/include"]
    link = [f"-L{release}", "-Wl,--as-needed", "-ldcs", "-lpthread", f"-Wl,-rpath,{release}"]
    paths = [str(ROOT / "benches" / source) for source in sources]
    subprocess.run(["cc", *options, "-o", str(program), *paths, *link], check=True)
    return program
