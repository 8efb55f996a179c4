#!/usr/bin/env python3
"""What memory a client, an idle connection and a call take, and that a million calls take no more.

    make bench-memory                  a million calls over kept connections, about a minute
    make bench-memory-quick            50 000 of them

Compiles benches/memory/memory.c against the release library and runs it inside the testbed (DCS_TESTBED),
against its nginx. Writes RESULT, by default target/bench/memory.json, and prints it as text. Ends with 1
where the heap grew between a tenth of the calls and the last one, or where freed clients left something:
those are leaks. Resident memory is told, not judged: the allocator decides about it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# What the heap may differ by between two equal moments: a session ticket more or less in the cache, or
# a line in a table.
SLACK = 64 * 1024


def compile_program() -> Path:
    """The C program, compiled."""
    program = TARGET / "bench" / "memory"
    program.parent.mkdir(parents=True, exist_ok=True)
    release = TARGET / "release"
    # -fno-builtin: the compiler must not think that it knows what malloc does.
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin"]
    source = ROOT / "benches/memory/memory.c"
    link = [f"-L{release}", "-ldcs", "-lpthread", f"-Wl,-rpath,{release}"]
    subprocess.run(["cc", *flags, f"-I{ROOT}/include", "-o", program, source, *link], check=True)
    return program


def main() -> None:
    """Runs it, keeps and prints what it found, and judges."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--connections", type=int, default=64, help="at most 1024: more are not kept")
    parser.add_argument("--result", type=Path, default=TARGET / "bench" / "memory.json")
    arguments = parser.parse_args()
    if "DCS_TESTBED" not in os.environ:
        sys.exit("DCS_TESTBED is not set: run `make bench-memory`")
    testbed = json.loads(Path(os.environ["DCS_TESTBED"]).read_text())
    files, urls = testbed["files"], testbed["urls"]
    urls = [urls[name] + "/checks/passport" for name in ("tls12_close", "tls12_keepalive")]
    files = [files[name] for name in ("ca_bundle", "client_chain", "client_key")]
    counts = [str(number) for number in (arguments.clients, arguments.connections, arguments.calls)]
    output = subprocess.run(
        [compile_program(), *urls, *files, *counts], stdout=subprocess.PIPE, check=True
    ).stdout
    result = json.loads(output)
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result, indent=1) + "\n")

    client, idle, flat = result["client"], result["idle_connection"], result["flat"]
    kept, resumed = result["call_kept"], result["call_resumed"]
    print(
        f"once per process      {result['process']['heap']:>10,} bytes of heap,"
        " kept after the first client is freed"
    )
    print(
        f"a client              {client['heap']:>10,} bytes of heap,"
        f" {client['resident']:,} resident, mean of {client['of']}"
    )
    print(f"an idle connection    {idle['heap']:>10,} bytes of heap, mean of {idle['of']}")
    for name, cost in ("a call, kept", kept), ("a call, resumed", resumed):
        print(
            f"{name:21} {cost['peak']:>10,} bytes of heap at most,"
            f" in {cost['allocations']} allocations; {cost['left']} left"
        )
    print(
        f"after {flat['calls']:,} calls: heap {flat['heap']}, resident {flat['resident']}"
        " (at a tenth, half, the end)"
    )
    if flat["heap"][2] - flat["heap"][0] > SLACK or client["left_heap"] > SLACK:
        sys.exit("The heap grew.")


if __name__ == "__main__":
    main()
