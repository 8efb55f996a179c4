"""What a soak came to: judged, summed up, and as the page that is published."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# What the harm that is done may come to. INTERRUPTED is what the program asks for.
MAY_HAPPEN = {
    "DCS_OK",
    "DCS_ERR_CONNECT",
    "DCS_ERR_CONNECTION_LOST",
    "DCS_ERR_TIMEOUT",
    "DCS_ERR_INTERRUPTED",
}
# A reload reads the files while they are replaced one after the other, or made unusable.
RELOADS_MAY = {"DCS_OK", "DCS_ERR_KEY_MISMATCH", "DCS_ERR_CERTIFICATE", "DCS_ERR_FILE"}

# What a call may take over its limit of time: on a busy machine threads wait for a processor.
GRACE_MS = 2000
# What the heap may differ by between two equal moments: another certificate's length, a table's growth.
HEAP_SLACK = 64 * 1024
# Resident memory is also the allocator's affair: how it spreads blocks over its arenas.
RESIDENT_SLACK = 8 * 1024 * 1024

Json = Any


def complaints(result: Json, calls: int) -> list[str]:
    """What must not be."""
    found = []
    if result["calls"] < calls:
        found.append(f"only {result['calls']} calls")
    limit_ms = result["timeout_ms"] + GRACE_MS
    for name, outcomes in result["outcomes"].items():
        for code, outcome in outcomes.items():
            if code not in MAY_HAPPEN:
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
        if code not in RELOADS_MAY:
            found.append(f"a reload came to {code}: {outcome['example']}")
    first, last = result["held"][0], result["held"][-1]
    for what, slack in ("heap", HEAP_SLACK), ("resident", RESIDENT_SLACK), ("descriptors", 0), ("threads", 0):
        if last[what] - first[what] > slack:
            found.append(f"{what} grew from {first[what]} to {last[what]}")
    return found


def summary(result: Json) -> str:
    """The result as Markdown."""
    kept = result["answers_over_kept_connections"]
    codes = sorted({code for outcomes in result["outcomes"].values() for code in outcomes} - {"DCS_OK"})
    lines = [
        "| traffic | calls | answers | of them kept | "
        + " | ".join(code[8:] for code in codes)
        + " | longest call | of its own |",
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
    moments = ["at a tenth", "at half", "at the end"]
    lines += ["", "| held | calls | heap | blocks | resident | descriptors | threads |", "|---|" + "--:|" * 6]
    for moment, held in zip(moments, result["held"]):
        kinds = ("calls", "heap", "blocks", "resident", "descriptors", "threads")
        lines.append(f"| {moment} | " + " | ".join(f"{held[kind]:,}" for kind in kinds) + " |")
    return "\n".join(lines)


def counts(outcomes: Json) -> str:
    """How often each code came."""
    return ", ".join(f"{code} {outcome['count']:,}" for code, outcome in outcomes.items())


def page(result: Json, harm_docs: dict[str, str]) -> str:
    """What is published of a run; the texts say what each kind of harm is."""
    described = result["machine"]
    proof = result["after_last_restart"].values()
    proved = sum(outcome["count"] for outcomes in proof for outcome in outcomes.values())
    harm = "\n".join(
        f"| {name.replace('_', ' ')} | {count} | {harm_docs[name]} |"
        for name, count in result["harm"].items()
    )
    examples = {
        code: outcome["example"]
        for outcomes in result["outcomes"].values()
        for code, outcome in outcomes.items()
        if outcome["example"]
    }
    # The port is another one in each run.
    said = "\n".join(f"- `{code}`: {re.sub(':[0-9]+', ':PORT', text)}" for code, text in examples.items())
    return f"""# A million calls while the server is killed

`make soak` (`benches/soak.py`, `benches/soak.c`) makes calls through the C ABI on a real nginx, with a client for each of three
kinds of traffic that {result["threads_per_client"]} threads share. Nothing is delayed. Meanwhile the server is reloaded, killed, frozen and gone;
the client's files are replaced, now and then by one that cannot be used; the clients are reloaded in turn, and interrupted. After
a refused connection a thread waits 5 ms, so that the pauses in which nothing listens do not use up the calls. `make test` does
the same on a small scale.

The soak fails where a call comes to any other code than those below, or to an answer that is not the whole documented one; where
it takes {GRACE_MS / 1000:.0f} s longer than its timeout of {result["timeout_ms"] / 1000:g} s; where heap, resident memory, descriptors or threads grow;
where a call fails once the server is back for good.

This page and [all figures](soak.json) are of one run, on {described["date"][:10]}, of commit {described["commit"]}: {result["calls"]:,} calls in
{result["seconds"]} s, on {described["cores"]} cores that did other work as well ({described["cpu"]}; {described["system"]}; {described["versions"].get("nginx", "nginx")}).

{summary(result)}

A call's own time is without that in which its thread could have run and had no processor.

Held is counted when no call is under way and no connection is kept: heap as the bytes that malloc has given out. Of the
clients that were freed at the end, {result["heap_of_freed_clients"]:,} bytes are left: what the process keeps for the next client.

Resident memory rises while the heap does not, ever more slowly: by /proc/PID/smaps it is in the arenas of glibc's
malloc, of which the threads share up to eight a processor and each keeps room for the most that it ever held.

- After the last kill and restart: {proved:,} calls, {counts(merged(proof))}.
- Reloads: {counts(result["reloads"])}. Between the renewal of a certificate and that of its key the two do not
  belong together (KEY_MISMATCH); the client goes on with what it had, as with a file that is empty (CERTIFICATE).
- Interruptions: {result["interruptions"]:,}, which ended the calls under INTERRUPTED.

| done | times | what it is |
|---|--:|---|
{harm}

What the errors said first:

{said}
"""  # noqa: E501


def merged(several: Iterable[Json]) -> Json:
    """The outcomes of several clients as one."""
    all_codes: dict[str, dict[str, int]] = {}
    for outcomes in several:
        for code, outcome in outcomes.items():
            all_codes.setdefault(code, {"count": 0})["count"] += outcome["count"]
    return all_codes
