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
from contender import ContenderError, Process, last_line, places
from figures import Run, per_call, strace_counts
from results import TRAFFICS, Entrant, Results
from targets import all_targets, judge

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BENCH = TARGET / "bench"
TESTBED = TARGET / "debug" / "dcs-testbed"
PUBLISHED = ROOT / "docs" / "benchmarks"

THREADS = (1, 16)
# A just-in-time compiler needs longer to get to its best.
WARM_UP_S = {"Java": 5.0, "JavaScript": 2.0, "Node.js": 2.0}
# A JVM's own threads make system calls all the time, which the difference of two runs does not cancel.
NOT_TRACED = {"Java"}
TRACED_TRAFFICS = ("tls12_close", "tls12_keepalive")
# First calls are made on the service's own traffic.
ONCE_TRAFFIC = "tls12_close"


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    # How long a contender's run in a round takes, at most.
    seconds: float
    warm_up: float
    # What all heats together may take; then each run gets its part of what is left.
    budget: float | None
    once: int
    traced_calls: int
    # Only the floor, this library and libcurl in what the targets do not need of the others.
    is_quick: bool


FULL = Plan(rounds=7, seconds=0.5, warm_up=1.0, budget=None, once=20, traced_calls=300, is_quick=False)
QUICK = Plan(rounds=2, seconds=0.3, warm_up=0.0, budget=75, once=5, traced_calls=200, is_quick=True)


@dataclass(frozen=True)
class Server:
    """The testbed's addresses and files."""

    urls: dict[str, str]
    files: dict[str, str]

    def arguments(self, traffic: str, variant: str) -> list[str]:
        """A contender's arguments."""
        files = [self.files[name] for name in ("ca_bundle", "client_chain", "client_key")]
        return [f"{self.urls[traffic]}/checks/passport", *files, variant]


Field = dict[Entrant, list[str]]


def say(text: str) -> None:
    """Tells what goes on; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def is_wanted(entrant: Entrant, only: list[str] | None) -> bool:
    """Whether one of the names is the entrant's language, or what its name and variant begin with."""
    return only is None or any(
        name.lower() == entrant.language.lower()
        or f"{entrant.name}, {entrant.variant}".lower().startswith(name.lower())
        for name in only
    )


def enter(results: Results, only: list[str] | None, do_build: bool) -> Field:
    """The contenders that can take part; notes the others with the reason."""
    field: Field = {}
    environment = {
        "BENCH_DIR": str(BENCH),
        "CARGO_TARGET_DIR": str(TARGET),
        "DCS_LIBRARY": str(TARGET / "release" / "libdcs.so"),
    }
    for place in places(BENCH):
        wanted: Field = {}
        try:
            wanted = {
                entrant: command for entrant, command in place.table().items() if is_wanted(entrant, only)
            }
            if wanted and do_build:
                say(f"building the contenders in {place.name}")
                place.build(environment)
        except ContenderError as error:
            results.skipped.update({entrant.label: str(error) for entrant in wanted})
            results.skipped.update({} if wanted else {place.name: str(error)})
            continue
        for entrant, command in wanted.items():
            if shutil.which(command[0]) is None:
                results.skipped[entrant.label] = f"{command[0]} is not there"
            else:
                field[entrant] = command
    return field


def heats(
    field: Field, server: Server, traffic: str, plan: Plan, ends: float | None, results: Results
) -> None:
    """Races all contenders on one traffic, with one thread and with many."""
    with ExitStack() as stack:
        running: dict[Entrant, Process] = {}

        def drop(entrant: Entrant, error: ContenderError) -> None:
            results.skipped[f"{entrant.label}, {traffic}"] = str(error)
            say(f"  out: {entrant.label}: {error}")
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
                # A run also takes its priming and the exchange of figures.
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
    """Warms every contender up, then races them in turn, round by round."""
    say(f"  {threads} thread(s): {len(running)} contenders, {plan.rounds} rounds of {seconds:.2f} s")
    calls: dict[Entrant, int] = {}
    for entrant, process in list(running.items()):
        # With more threads the code is warm already.
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


def first_calls(field: Field, server: Server, plan: Plan, results: Results) -> None:
    """Times whole processes that make one call, in turn."""
    commands = {
        entrant: [*command, *server.arguments(ONCE_TRAFFIC, entrant.variant), "once"]
        for entrant, command in field.items()
        if not plan.is_quick or entrant.is_floor or entrant.is_ours or entrant.plain_name == "libcurl"
    }
    # The first round fills the caches of the file system and is not counted.
    for turn in range(plan.once + 1):
        for entrant, command in list(commands.items()):
            nanoseconds, status = spawn(command)
            if status != 0:
                results.skipped[f"{entrant.label}, first call"] = f"ended with status {status}"
                results.first_calls_ns.pop(entrant, None)
                del commands[entrant]
            elif turn > 0:
                results.first_calls_ns.setdefault(entrant, []).append(nanoseconds)


def spawn(command: list[str]) -> tuple[int, int]:
    """Runs a program and returns how long it took and its exit status.

    Without subprocess, whose own work would count for the program.
    """
    program = shutil.which(command[0]) or command[0]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
    begun = time.perf_counter_ns()
    _, status = os.waitpid(os.posix_spawn(program, command, os.environ, file_actions=null), 0)
    ended = time.perf_counter_ns()
    return ended - begun, status if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def system_calls(field: Field, server: Server, traffic: str, plan: Plan, results: Results) -> None:
    """Counts the system calls of a warm call."""
    if shutil.which("strace") is None:
        results.skipped["system calls"] = "strace is not there (Debian: strace)"
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
    """The system calls of a process that warms up and then makes so many calls."""
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


def race(field: Field, traffics: list[str], plan: Plan, results: Results) -> None:
    """The whole race, inside the testbed."""
    testbed = json.loads(Path(os.environ["DCS_TESTBED"]).read_text(encoding="utf-8"))
    server = Server(testbed["urls"], testbed["files"])
    begun = time.monotonic()
    for index, traffic in enumerate(traffics):
        say(TRAFFICS[traffic])
        ends = None if plan.budget is None else begun + plan.budget * (index + 1) / len(traffics)
        heats(field, server, traffic, plan, ends, results)
    if ONCE_TRAFFIC in traffics:
        say(f"first calls of new processes, {plan.once} each")
        first_calls(field, server, plan, results)
    for traffic in traffics:
        if traffic in TRACED_TRAFFICS:
            say(f"system calls, {TRAFFICS[traffic]}")
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
        print(
            "\nA quick race is for a look: its figures are few, and what compiles just in time is not warm."
        )
    written = {
        "machine": about,
        "settings": {**asdict(plan), "traffics": traffics},
        **results.to_json(),
        "targets": [verdict.to_json() for verdict in judged],
    }
    BENCH.mkdir(parents=True, exist_ok=True)
    raw = BENCH / "results.json"
    raw.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    say(f"raw figures: {raw}")
    if publish:
        for file in report.write_charts(results, about, PUBLISHED):
            say(f"chart: {file}")
        shutil.copyfile(raw, PUBLISHED / "results.json")


def start_testbed() -> int:
    """Builds what this library has to bring, and runs this program again beside the servers."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    made = subprocess.run(
        ["make", "-C", str(ROOT), "library", str(TESTBED)], env=environment, stdout=sys.stderr, check=False
    )
    if made.returncode != 0:
        say("race.py: the library or the testbed cannot be built")
        return 1
    command = [str(TESTBED), "--", sys.executable, str(Path(__file__).resolve()), *sys.argv[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under two minutes, for a look")
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="NAME",
        help='contenders by language or name, such as C or "libcurl, best"',
    )
    parser.add_argument("--traffic", nargs="+", choices=list(TRAFFICS), help="the kinds of connection")
    parser.add_argument("--seconds", type=float, help="how long a contender's run in a round takes")
    parser.add_argument("--rounds", type=int, help="how many rounds there are")
    parser.add_argument("--no-build", action="store_true", help="take the contenders as they are")
    parser.add_argument("--list", action="store_true", help="list the contenders and end")
    parser.add_argument("--publish", action="store_true", help=f"write figures and charts to {PUBLISHED}")
    arguments = parser.parse_args()
    if arguments.publish and (arguments.quick or arguments.only or arguments.traffic):
        parser.error("--publish takes a whole race: without --quick, --only and --traffic")
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
        for entrant in enter(results, arguments.only, do_build=False):
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
    field = enter(results, arguments.only, do_build=not arguments.no_build)
    if not field:
        say("race.py: no contender can take part")
        for what, why in results.skipped.items():
            say(f"  {what}: {why}")
        return 1
    race(field, traffics, plan, results)
    finish(results, plan, traffics, arguments.publish)
    return 0


if __name__ == "__main__":
    sys.exit(main())
