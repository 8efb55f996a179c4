"""Judges the result of a soak, sums it up, and writes the published page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# The outcomes that the faults explain. The program itself interrupts calls.
EXPECTED = {
    "DCS_OK",
    "DCS_ERR_CONNECT",
    "DCS_ERR_CONNECTION_LOST",
    "DCS_ERR_TIMEOUT",
    "DCS_ERR_INTERRUPTED",
}
# A reload may read the files while they are being replaced, or while they are invalid.
EXPECTED_OF_RELOADS = {"DCS_OK", "DCS_ERR_KEY_MISMATCH", "DCS_ERR_CERTIFICATE", "DCS_ERR_FILE"}

# The time by which a call may exceed its timeout: on a busy machine threads wait for a processor.
GRACE_MS = 2000
# Allowed difference of the heap between two equal states: a longer certificate, a larger table.
HEAP_SLACK = 64 * 1024
# Resident memory also depends on how the allocator spreads blocks over its arenas.
RESIDENT_SLACK = 8 * 1024 * 1024

Json = Any


def complaints(result: Json, calls: int) -> list[str]:
    """Returns everything that is wrong with a result."""
    found = []
    if result["calls"] < calls:
        found.append(f"only {result['calls']} calls")
    limit_ms = result["timeout_ms"] + GRACE_MS
    for name, outcomes in result["outcomes"].items():
        for code, outcome in outcomes.items():
            if code not in EXPECTED:
                found.append(f"{name}: {outcome['count']} times {code}: {outcome['example']}")
            if outcome["longest_us"] > limit_ms * 1000:
                found.append(f"{name}: {code} after {outcome['longest_us'] / 1000:.0f} ms")
        for code in "DCS_OK", "DCS_ERR_CONNECT":
            if code not in outcomes:
                found.append(f"{name}: never {code}")
    for name, reused in result["answers_over_kept_connections"].items():
        answers = result["outcomes"][name].get("DCS_OK", {"count": 0})["count"]
        if (reused > 0) if "closed" in name else (reused < answers / 2):
            found.append(f"{name}: {reused} of {answers} answers came over kept connections")
    for name, outcomes in result["after_last_restart"].items():
        for code, outcome in outcomes.items():
            if code != "DCS_OK":
                found.append(f"{name}: {code} after the last restart: {outcome['example']}")
    for code, outcome in result["reloads"].items():
        if code not in EXPECTED_OF_RELOADS:
            found.append(f"a reload ended with {code}: {outcome['example']}")
    first, last = result["held"][0], result["held"][-1]
    for what, slack in ("heap", HEAP_SLACK), ("resident", RESIDENT_SLACK), ("descriptors", 0), ("threads", 0):
        if last[what] - first[what] > slack:
            found.append(f"{what} grew from {first[what]} to {last[what]}")
    return found


def summary(result: Json) -> str:
    """Returns the result as Markdown tables."""
    kept = result["answers_over_kept_connections"]
    codes = sorted({code for outcomes in result["outcomes"].values() for code in outcomes} - {"DCS_OK"})
    lines = [
        "| traffic | calls | answers | on kept connections | "
        + " | ".join(code[8:] for code in codes)
        + " | longest call | without waiting for a processor |",
        "|---|" + "--:|" * (len(codes) + 5),
    ]
    for name, outcomes in result["outcomes"].items():
        counts = [sum(outcome["count"] for outcome in outcomes.values())]
        counts += [outcomes.get("DCS_OK", {"count": 0})["count"], kept[name]]
        counts += [outcomes.get(code, {"count": 0})["count"] for code in codes]
        longest, own = (
            max(outcome[key] for outcome in outcomes.values()) for key in ("longest_us", "longest_own_us")
        )
        cells = " | ".join(f"{count:,}" for count in counts)
        lines.append(f"| {name} | {cells} | {longest / 1000:,.0f} ms | {own / 1000:,.0f} ms |")
    moments = ["after a tenth", "after half", "at the end"]
    kinds = ["calls", "heap", "blocks", "resident", "descriptors", "threads"]
    lines += ["", f"| in use | {' | '.join(kinds)} |", "|---|" + "--:|" * len(kinds)]
    for moment, held in zip(moments, result["held"]):
        lines.append(f"| {moment} | " + " | ".join(f"{held[kind]:,}" for kind in kinds) + " |")
    return "\n".join(lines)


def counts(outcomes: Json) -> str:
    """Returns the count of each code as text."""
    return ", ".join(f"{code} {outcome['count']:,}" for code, outcome in outcomes.items())


def page(result: Json, fault_docs: dict[str, str]) -> str:
    """Returns the published page; `fault_docs` describes each kind of fault."""
    described = result["machine"]
    verified = result["after_last_restart"].values()
    verified_calls = sum(outcome["count"] for outcomes in verified for outcome in outcomes.values())
    faults = "\n".join(
        f"| {name.replace('_', ' ')} | {count} | {fault_docs[name]} |"
        for name, count in result["faults"].items()
    )
    examples = {
        code: outcome["example"]
        for outcomes in result["outcomes"].values()
        for code, outcome in outcomes.items()
        if outcome["example"]
    }
    # The port differs between runs.
    messages = "\n".join(f"- `{code}`: {re.sub(':[0-9]+', ':PORT', text)}" for code, text in examples.items())
    return f"""# Soak test: a million calls while the server fails

`make soak` (`benches/soak.py`, `benches/soak.c`) makes calls through the C ABI to a real nginx. Each of three kinds of
traffic has a client, which {result["threads_per_client"]} threads share. Meanwhile the server is reloaded, killed, frozen and stopped. The client's
files are replaced, sometimes with an invalid one. The clients are reloaded and interrupted in turn. After a refused
connection a thread waits 5 ms, because otherwise most calls would fall into the pauses in which nothing listens.
`make test` does the same on a small scale.

The soak fails if

- a call ends with a code that is not in the table below, or with an answer that differs from the documented one,
- a call exceeds its timeout of {result["timeout_ms"] / 1000:g} s by {GRACE_MS / 1000:.0f} s,
- heap, resident memory, descriptors or threads grow,
- a call fails after the last restart of the server.

This page and [all figures](soak.json) are from one run on {described["date"][:10]} at commit {described["commit"]}: {result["calls"]:,} calls in
{result["seconds"]} s, on {described["cores"]} cores that also did other work ({described["cpu"]}; {described["system"]}; {described["versions"].get("nginx", "nginx")}).

{summary(result)}

The last column leaves out the time in which the call's thread was runnable but had no processor.

Resources are counted when no call is in flight and no connection is open. Heap is the number of bytes that malloc has
handed out. After all clients were freed, {result["heap_of_freed_clients"]:,} bytes were left, which the process keeps for the next client.

Resident memory rises ever more slowly while the heap stays constant. /proc/PID/smaps shows that it is in the arenas of
glibc's malloc. The threads share up to eight arenas for each processor, and each arena keeps the most that it ever held.

- After the last kill and restart: {verified_calls:,} calls, {counts(merged(verified))}.
- Reloads: {counts(result["reloads"])}. While a certificate is renewed and its key is not yet, the two do not
  match (KEY_MISMATCH). The client keeps using the previous files, as it does if a file is empty (CERTIFICATE).
- Interruptions: {result["interruptions"]:,}, which ended the calls under INTERRUPTED.

| fault | times | description |
|---|--:|---|
{faults}

The first message of each error:

{messages}
"""  # noqa: E501


def merged(several: Iterable[Json]) -> Json:
    """Returns the outcomes of several clients as one."""
    all_codes: dict[str, dict[str, int]] = {}
    for outcomes in several:
        for code, outcome in outcomes.items():
            all_codes.setdefault(code, {"count": 0})["count"] += outcome["count"]
    return all_codes
