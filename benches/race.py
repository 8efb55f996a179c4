#!/usr/bin/env python3
"""Races this library against its peers and the floor on a real nginx; see README.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import machine
import report
from common import BENCH, ROOT, TARGET, TESTBED, client_files, testbed
from contender import ContenderError, Process, folders, last_line
from figures import Run, per_call, strace_counts
from results import TRAFFICS, Entrant, Results
from targets import all_targets, judge

PUBLISHED = ROOT / "docs" / "benchmarks"

THREADS = (1, 16)
# A just-in-time compiler needs a longer warm-up.
WARM_UP_S = {"Java": 5.0, "JavaScript": 2.0, "Node.js": 2.0}
# A JVM's own threads make system calls all the time, which the difference of two runs does not cancel.
NOT_TRACED = {"Java"}
TRACED_TRAFFICS = ("tls12_close", "tls12_keepalive")
# First calls use the service's own traffic.
ONCE_TRAFFIC = "tls12_close"


@dataclass(frozen=True)
class Plan:
    """The extent of a race."""

    rounds: int
    # The longest time of a contender's run in a round.
    seconds: float
    warm_up: float
    # The time limit of all heats together; each run gets its share of the rest.
    budget: float | None
    once: int
    traced_calls: int
    # Limits first calls and system calls to the floor, this library and libcurl, which the targets need.
    is_quick: bool


FULL = Plan(rounds=7, seconds=0.5, warm_up=1.0, budget=None, once=20, traced_calls=300, is_quick=False)
QUICK = Plan(rounds=2, seconds=0.3, warm_up=0.0, budget=75, once=5, traced_calls=200, is_quick=True)


@dataclass(frozen=True)
class Server:
    """The testbed's addresses and files."""

    urls: dict[str, str]
    files: dict[str, str]

    def arguments(self, traffic: str, variant: str) -> list[str]:
        """Returns a contender's arguments."""
        return [f"{self.urls[traffic]}/checks/passport", *client_files(self.files), variant]


# The command of each entrant.
Commands = dict[Entrant, list[str]]


def log(text: str) -> None:
    """Prints progress to standard error; standard output has the tables only."""
    print(text, file=sys.stderr, flush=True)


def is_selected(entrant: Entrant, only: list[str] | None) -> bool:
    """Returns whether one of the names is the entrant's language, or a prefix of its name and variant."""
    return only is None or any(
        name.lower() == entrant.language.lower()
        or f"{entrant.name}, {entrant.variant}".lower().startswith(name.lower())
        for name in only
    )


def entrants(results: Results, only: list[str] | None, do_build: bool) -> Commands:
    """Returns the entrants that can take part, and records the others with the reason."""
    ready: Commands = {}
    environment = {
        "BENCH_DIR": str(BENCH),
        "CARGO_TARGET_DIR": str(TARGET),
        "DCS_LIBRARY": str(TARGET / "release" / "libdcs.so"),
    }
    for folder in folders(BENCH):
        selected: Commands = {}
        try:
            selected = {
                entrant: command
                for entrant, command in folder.entrants().items()
                if is_selected(entrant, only)
            }
            if selected and do_build:
                log(f"building the contenders in {folder.name}")
                folder.build(environment)
        except ContenderError as error:
            results.skipped.update({entrant.label: str(error) for entrant in selected})
            results.skipped.update({} if selected else {folder.name: str(error)})
            continue
        for entrant, command in selected.items():
            if shutil.which(command[0]) is None:
                results.skipped[entrant.label] = f"{command[0]} is missing"
            else:
                ready[entrant] = command
    return ready


def heats(
    field: Commands, server: Server, traffic: str, plan: Plan, ends: float | None, results: Results
) -> None:
    """Runs all contenders on one traffic, with one thread and with many."""
    with ExitStack() as stack:
        running: dict[Entrant, Process] = {}

        def drop(entrant: Entrant, error: ContenderError) -> None:
            results.skipped[f"{entrant.label}, {traffic}"] = str(error)
            log(f"  dropped: {entrant.label}: {error}")
            running.pop(entrant, None)

        for entrant, command in field.items():
            try:
                process = stack.enter_context(
                    Process([*command, *server.arguments(traffic, entrant.variant)])
                )
                results.versions[f"{entrant.name} ({entrant.language})"] = process.ask("versions")
                running[entrant] = process
            except ContenderError as error:
                drop(entrant, error)
        for index, threads in enumerate(THREADS):
            seconds = plan.seconds
            if ends is not None:
                left = (ends - time.monotonic()) / (len(THREADS) - index)
                # A run also includes its first calls and the exchange of figures.
                seconds = min(seconds, max(0.02, 0.7 * left / max(1, len(running)) / (plan.rounds + 1)))
            heat(running, drop, traffic, threads, plan, seconds, results)


def heat(
    running: dict[Entrant, Process],
    drop: Callable[[Entrant, ContenderError], None],
    traffic: str,
    threads: int,
    plan: Plan,
    seconds: float,
    results: Results,
) -> None:
    """Warms up every contender, then runs all in turn, round by round."""
    log(f"  {threads} thread(s): {len(running)} contenders, {plan.rounds} rounds of {seconds:.2f} s")
    calls: dict[Entrant, int] = {}
    for entrant, process in list(running.items()):
        # With more threads, the code is already warm.
        warm_up = plan.warm_up * (WARM_UP_S.get(entrant.language, 1.0) if threads == 1 else 1.0)
        try:
            rate = process.warm_up(threads, max(warm_up, seconds))
            calls[entrant] = max(2 * threads, 5, int(rate * seconds))
        except ContenderError as error:
            drop(entrant, error)
    runs: dict[Entrant, list[Run]] = {entrant: [] for entrant in running}
    for _ in range(plan.rounds):
        for entrant, process in list(running.items()):
            try:
                # The server may have closed idle connections since the contender's last turn.
                process.run(threads, threads)
                runs[entrant].append(process.run(calls[entrant], threads, limit_s=60 + 20 * seconds))
            except ContenderError as error:
                drop(entrant, error)
    for entrant, process in running.items():
        results.add(entrant, traffic, threads, runs[entrant], process.peak_memory_kib())


def first_calls(field: Commands, server: Server, plan: Plan, results: Results) -> None:
    """Measures the time of whole processes that make one call, in turn."""
    commands = {
        entrant: [*command, *server.arguments(ONCE_TRAFFIC, entrant.variant), "once"]
        for entrant, command in field.items()
        if not plan.is_quick or entrant.is_floor or entrant.is_ours or entrant.plain_name == "libcurl"
    }
    # The first round fills the file system's caches and does not count.
    for turn in range(plan.once + 1):
        for entrant, command in list(commands.items()):
            nanoseconds, status = time_process(command)
            if status != 0:
                results.skipped[f"{entrant.label}, first call"] = f"ended with status {status}"
                results.first_calls_ns.pop(entrant, None)
                del commands[entrant]
            elif turn > 0:
                results.first_calls_ns.setdefault(entrant, []).append(nanoseconds)


def time_process(command: list[str]) -> tuple[int, int]:
    """Runs a program and returns its time in nanoseconds and its exit status.

    Does not use subprocess, whose own work would count too.
    """
    program = shutil.which(command[0]) or command[0]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    start = time.perf_counter_ns()
    _, status = os.waitpid(os.posix_spawn(program, command, os.environ, file_actions=null), 0)
    elapsed = time.perf_counter_ns() - start
    return elapsed, status if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def system_calls(field: Commands, server: Server, traffic: str, plan: Plan, results: Results) -> None:
    """Counts the system calls of a warm call."""
    if shutil.which("strace") is None:
        results.skipped["system calls"] = "strace is missing (Debian: strace)"
        return
    for entrant, command in field.items():
        is_needed = entrant.is_floor or entrant.is_ours or entrant.plain_name == "libcurl"
        if entrant.language in NOT_TRACED or (plan.is_quick and not is_needed):
            continue
        complete = [*command, *server.arguments(traffic, entrant.variant)]
        try:
            short, long = (trace(complete, calls) for calls in (plan.traced_calls, 2 * plan.traced_calls))
        except ContenderError as error:
            results.skipped[f"{entrant.label}, system calls, {traffic}"] = str(error)
            continue
        results.system_calls[traffic, entrant] = per_call(short, long, plan.traced_calls)


def trace(command: list[str], calls: int) -> dict[str, int]:
    """Returns the system calls of a process that warms up and then makes so many calls."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as counts:
        try:
            done = subprocess.run(
                ["strace", "-f", "-c", "-o", counts.name, *command],
                input=f"run 20 1\nrun {calls} 1\nquit\n".encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=300,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"strace: {error}"
            raise ContenderError(message) from error
        if done.returncode != 0:
            raise ContenderError(last_line(done.stderr) or f"strace: status {done.returncode}")
        return strace_counts(counts.read())


def race(field: Commands, traffics: list[str], plan: Plan, results: Results) -> None:
    """Runs the whole race, inside the testbed."""
    bed = testbed()
    server = Server(bed["urls"], bed["files"])
    start = time.monotonic()
    for index, traffic in enumerate(traffics):
        log(TRAFFICS[traffic])
        ends = None if plan.budget is None else start + plan.budget * (index + 1) / len(traffics)
        heats(field, server, traffic, plan, ends, results)
    if ONCE_TRAFFIC in traffics:
        log(f"first calls of new processes, {plan.once} each")
        first_calls(field, server, plan, results)
    for traffic in traffics:
        if traffic in TRACED_TRAFFICS:
            log(f"system calls, {TRAFFICS[traffic]}")
            system_calls(field, server, traffic, plan, results)


def finish(results: Results, plan: Plan, traffics: list[str], publish: bool) -> None:
    """Prints the tables and writes the figures."""
    about = machine.describe(ROOT)
    judged = [judge(target, results) for target in all_targets()]
    print(report.tables(results))
    print(f"\n\n{report.verdicts(judged)}")
    if results.skipped:
        print("\n\nNot measured\n")
        for what, why in results.skipped.items():
            print(f"  {what}: {why}")
    if plan.is_quick:
        print("\nA quick race is only an estimate: few calls, and just-in-time compilers are not warmed up.")
    written = {
        "machine": about,
        "settings": {**asdict(plan), "traffics": traffics},
        **results.to_json(),
        "targets": [verdict.to_json() for verdict in judged],
    }
    BENCH.mkdir(parents=True, exist_ok=True)
    raw = BENCH / "results.json"
    raw.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    log(f"raw figures: {raw}")
    if publish:
        for file in report.write_charts(results, about, PUBLISHED):
            log(f"chart: {file}")
        shutil.copyfile(raw, PUBLISHED / "results.json")


def start_testbed() -> int:
    """Builds the library and the testbed, and runs this program again in the testbed."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    built = subprocess.run(
        ["make", "-C", str(ROOT), "library", str(TESTBED)], env=environment, stdout=sys.stderr, check=False
    )
    if built.returncode != 0:
        log("race.py: make library failed")
        return 1
    command = [str(TESTBED), "--", sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an estimate in under two minutes")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help='contenders by language or name, such as C or "libcurl, best"',
    )
    parser.add_argument("--traffic", nargs="+", choices=list(TRAFFICS), help="the kinds of traffic")
    parser.add_argument("--seconds", type=float, help="the time of a contender's run in a round")
    parser.add_argument("--rounds", type=int, help="the number of rounds")
    parser.add_argument("--no-build", action="store_true", help="use the contenders as they are")
    parser.add_argument("--list", action="store_true", help="list the contenders and exit")
    parser.add_argument("--publish", action="store_true", help=f"write figures and charts to {PUBLISHED}")
    arguments = parser.parse_args()
    if arguments.publish and (arguments.quick or arguments.only or arguments.traffic):
        parser.error("--publish needs a full race: omit --quick, --only and --traffic")
    if (arguments.seconds is not None and arguments.seconds <= 0) or (
        arguments.rounds is not None and arguments.rounds < 1
    ):
        parser.error("--seconds and --rounds must be above zero")
    return arguments


def main() -> int:
    """Runs the program."""
    arguments = parse()
    results = Results()
    if arguments.list:
        for entrant in entrants(results, arguments.only, do_build=False):
            print(entrant.label)
        for what, why in results.skipped.items():
            print(f"{what}: {why}")
        return 0
    if "DCS_TESTBED" not in os.environ:
        return start_testbed()
    plan = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        plan = replace(plan, rounds=arguments.rounds)
    if arguments.seconds is not None:
        plan = replace(plan, seconds=arguments.seconds, budget=None)
    traffics = arguments.traffic or list(TRAFFICS)
    field = entrants(results, arguments.only, do_build=not arguments.no_build)
    if not field:
        log("race.py: no contender can take part")
        for what, why in results.skipped.items():
            log(f"  {what}: {why}")
        return 1
    race(field, traffics, plan, results)
    finish(results, plan, traffics, arguments.publish)
    return 0


if __name__ == "__main__":
    sys.exit(main())
