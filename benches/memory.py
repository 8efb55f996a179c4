#!/usr/bin/env python3
"""Measures the memory of a client, an idle connection and a call, and that a million calls add none.

    make bench-memory                  a million calls over kept connections, about a minute
    make bench-memory-quick            50 000 of them

Compiles benches/memory.c and runs it inside the testbed (DCS_TESTBED), against its nginx. Writes RESULT,
by default target/bench/memory.json, and prints it as text. Exits with 1 if the heap grew between a tenth
of the calls and the last one, or if freed clients left something: those are leaks. Resident memory is
reported but not judged, because it depends on the allocator.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from common import BENCH, client_files, compile_c, testbed

# Allowed difference of the heap between two equal states: one session ticket in the cache, or a table entry.
HEAP_SLACK = 64 * 1024


def main() -> None:
    """Runs the program, writes and prints its figures, and fails if there is a leak."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--connections", type=int, default=64, help="at most 1024: more are not kept")
    parser.add_argument("--result", type=Path, default=BENCH / "memory.json")
    arguments = parser.parse_args()
    bed = testbed()
    urls = [bed["urls"][name] + "/checks/passport" for name in ("tls12_close", "tls12_keepalive")]
    counts = [str(number) for number in (arguments.clients, arguments.connections, arguments.calls)]
    # -fno-builtin: the compiler must not assume what malloc does.
    program = compile_c(BENCH / "memory", "memory.c", flags=("-fno-builtin",))
    command = [program, *urls, *client_files(bed["files"]), *counts]
    result = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result, indent=1) + "\n")

    client, idle, flat = result["client"], result["idle_connection"], result["flat"]
    print(
        f"once per process      {result['process']['heap']:>10,} bytes of heap,"
        " kept after the first client is freed"
    )
    print(
        f"a client              {client['heap']:>10,} bytes of heap,"
        f" {client['resident']:,} resident, mean of {client['of']}"
    )
    print(f"an idle connection    {idle['heap']:>10,} bytes of heap, mean of {idle['of']}")
    for name, cost in ("a call, kept", result["call_kept"]), ("a call, resumed", result["call_resumed"]):
        print(
            f"{name:21} {cost['peak']:>10,} bytes of heap at most,"
            f" in {cost['allocations']} allocations; {cost['left']} left"
        )
    print(
        f"after {flat['calls']:,} calls: heap {flat['heap']}, resident {flat['resident']}"
        " (at a tenth, half, the end)"
    )
    if flat["heap"][2] - flat["heap"][0] > HEAP_SLACK or client["left_heap"] > HEAP_SLACK:
        sys.exit("The heap grew.")


if __name__ == "__main__":
    main()
