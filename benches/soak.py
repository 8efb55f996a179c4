#!/usr/bin/env python3
"""Makes a million calls while the server is reloaded, killed, frozen and stopped, and checks their outcomes.

    make soak                      a million calls, five to ten minutes
    make soak ARGS='--calls N'     fewer calls
    make soak ARGS=--publish       also writes benches/soak.md and its figures, benches/soak.json
    make soak-quick                each kind of fault once, some seconds; part of make test

Runs inside the testbed (DCS_TESTBED), whose PKI it uses, with its own nginx, which has a listener for
each kind of traffic. benches/soak.c makes the calls through the C ABI, with a client for each listener
that eight threads share, reloads the files and interrupts calls. Meanwhile this driver injects one kind
of fault after the other into the server, and replaces the files, sometimes with invalid ones.

Exits with 1 if a call has an outcome that the faults do not explain, exceeds its timeout or leaves
anything behind, or if calls fail after the server has recovered.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Callable

import machine
from common import BENCH, ROOT, compile_c, testbed
from soak_report import complaints, page, summary

# Name, TLS versions, keepalive_timeout, keepalive_requests; the first is the DCS's traffic.
LISTENERS = (
    ("TLS 1.2, closed after each answer", "TLSv1.2", "0", 1000),
    ("TLS 1.2, kept alive", "TLSv1.2", "60s", 1_000_000),
    ("TLS 1.3, kept for 100 calls", "TLSv1.3", "60s", 100),
)

# The documented answer, with which the program compares each answer.
ANSWER = '{"available":true,"scheduledOutages":[]}'

# The longest time without progress, in seconds.
HANG_TIMEOUT = 60

Json = Any


class Nginx:
    """The server, and the ways to break it."""

    def __init__(self, directory: Path, files: dict[str, str], pki: Path) -> None:
        """Chooses ports and writes the configuration."""
        self.directory = directory
        self.ports = free_ports(len(LISTENERS))
        self.process: subprocess.Popen[bytes] | None = None
        user = "user root;" if os.geteuid() == 0 else ""
        servers = "".join(
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_protocols {versions};"
            f" keepalive_timeout {timeout}; keepalive_requests {requests};"
            # Outside a location, nginx would announce keep-alive and then close the connection.
            f" location / {{ return 200 '{ANSWER}'; }} }}\n"
            for port, (_, versions, timeout, requests) in zip(self.ports, LISTENERS)
        )
        temporary = "".join(
            f"{kind}_temp_path {directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (directory / "nginx.conf").write_text(
            f"""daemon off; {user}
worker_processes 2;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 1024; }}
http {{
access_log off;
{temporary}default_type application/json;
ssl_certificate "{files["server_cert"]}";
ssl_certificate_key "{files["server_key"]}";
ssl_client_certificate "{pki}/client_cas.pem";
ssl_verify_client on;
ssl_verify_depth 1;
{servers}}}
"""
        )

    def start(self) -> None:
        """Starts the server and waits until it listens."""
        # The server ends if this driver is killed.
        tie = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        (self.directory / "nginx.pid").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [*tie, "nginx", "-p", self.directory, "-c", "nginx.conf", "-e", "error.log"],
            env={**os.environ, "PATH": path},
            cwd=self.directory,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.listens, "nginx does not listen")

    def listens(self) -> bool:
        """Returns whether the server accepts connections; fails if it has ended."""
        if self.process is not None and self.process.poll() is not None:
            sys.exit(f"nginx did not start:\n{(self.directory / 'error.log').read_text()[-2000:]}")
        for port in self.ports:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
        return True

    def workers(self) -> list[int]:
        """Returns the process ids of the master's children."""
        assert self.process is not None
        master = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def signal_master(self, number: signal.Signals) -> None:
        """Sends the master a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal to all processes and waits until they have ended."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait()
        wait_until(lambda: not group_lives(self.process), "nginx does not end")
        self.process = None


def group_lives(process: subprocess.Popen[bytes] | None) -> bool:
    """Returns whether a process of the group is left."""
    assert process is not None
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(done: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Waits for a condition, and fails after some seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"{what} after {seconds} s")
        time.sleep(0.005)


def free_ports(count: int) -> list[int]:
    """Returns free ports outside the ephemeral range.

    While nothing listens, the system could give a port of that range to a client's connection. Then nginx
    could not start again, or the client would connect to itself.
    """
    low, high = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    candidates = [port for port in range(10_000, 65_000) if not low <= port <= high]
    random.shuffle(candidates)
    found: list[int] = []
    while len(found) < count:
        port = candidates.pop()
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


class MountedFiles:
    """The client's files, replaced in the way in which a platform renews mounted files."""

    def __init__(self, directory: Path, files: dict[str, str]) -> None:
        """Copies the first pair into the directory."""
        self.directory, self.files = directory, files
        self.put("client")

    def put(self, name: str) -> None:
        """Replaces certificate and key, one after the other."""
        for part in "cert", "key":
            new = self.directory / "new"
            shutil.copy(self.files[f"{name}_{part}"], new)
            new.rename(self.directory / part)

    def paths(self) -> list[str]:
        """Returns the paths of the CA bundle, the certificate and the key."""
        return [self.files["ca_bundle"], str(self.directory / "cert"), str(self.directory / "key")]


class Program:
    """The program that makes the calls."""

    def __init__(self, arguments: list[str]) -> None:
        """Compiles and starts the program."""
        # -fno-builtin: the compiler must not assume what malloc does.
        program = compile_c(BENCH / "soak", "soak.c", flags=("-g", "-fno-builtin"))
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, command: str) -> Json:
        """Sends a command and returns the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], HANG_TIMEOUT)[0]:
            sys.exit(f"A call hangs: no answer to '{command}' for {HANG_TIMEOUT} s.")
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"The program ended at '{command}' with status {self.process.wait()}.")
        return json.loads(line)


class Soak:
    """A run: one fault after the other until enough calls were made."""

    def __init__(
        self, nginx: Nginx, mounted: MountedFiles, program: Program, arguments: argparse.Namespace
    ) -> None:
        """Prepares the run."""
        self.nginx, self.mounted, self.program, self.arguments = nginx, mounted, program, arguments
        self.start = time.monotonic()
        self.samples: list[Json] = []
        self.faults: dict[str, int] = {}
        self.random = random.Random(arguments.seed)  # noqa: S311

    def elapsed(self) -> float:
        """Returns the seconds since the first call."""
        return time.monotonic() - self.start

    def sample(self) -> int:
        """Records a sample and returns the number of calls so far."""
        sample = self.program.ask("sample")
        at = round(self.elapsed(), 1)
        if not self.samples or at - self.samples[-1]["seconds"] >= self.arguments.sample_seconds:
            self.samples.append({"seconds": at, **sample})
        return int(sample["calls"])

    def wait_for(self, calls: int) -> None:
        """Waits until the program has made so many calls; fails if it makes none for too long."""
        seen, since = self.sample(), time.monotonic()
        while seen < calls:
            time.sleep(0.02)
            now = self.sample()
            if now > seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > HANG_TIMEOUT:
                sys.exit(f"No call has ended for {HANG_TIMEOUT} s, after {seen} calls.")

    def pause(self) -> None:
        """Waits while something is broken."""
        time.sleep(self.random.uniform(*self.arguments.pause))

    def reload_server(self) -> None:
        """The old workers finish their requests and close idle connections."""
        self.nginx.signal_master(signal.SIGHUP)

    def kill_worker(self) -> None:
        """One of two workers, at any moment; the master starts another."""
        workers = self.nginx.workers()
        if workers:
            kill(self.random.choice(workers), signal.SIGKILL)

    def kill_workers(self) -> None:
        """All workers at once; the sockets keep listening."""
        for worker in self.nginx.workers():
            kill(worker, signal.SIGKILL)

    def kill_master(self) -> None:
        """The workers continue alone for a while, then they are killed too and nothing listens."""
        self.nginx.signal_master(signal.SIGKILL)
        self.pause()
        self.nginx.end()
        self.pause()
        self.nginx.start()

    def kill_all(self) -> None:
        """All processes at once, as in a power failure, but the kernel still closes the connections."""
        self.nginx.end()
        self.pause()
        self.nginx.start()

    def stop(self) -> None:
        """Stopped and started, as in a package upgrade."""
        self.nginx.end(signal.SIGTERM)
        self.pause()
        self.nginx.start()

    def freeze(self) -> None:
        """The kernel accepts connections but no worker answers, for longer than a call's timeout."""
        workers = self.nginx.workers()
        for worker in workers:
            kill(worker, signal.SIGSTOP)
        time.sleep(self.arguments.timeout_ms / 1000 * 1.3)
        for worker in workers:
            kill(worker, signal.SIGCONT)

    def renew_files(self) -> None:
        """Another certificate with another key, and later the first pair again."""
        self.mounted.put("ec_p256")
        self.pause()
        self.mounted.put("client")

    def spoil_files(self) -> None:
        """An empty certificate; clients must keep using the previous files."""
        (self.mounted.directory / "cert").write_bytes(b"")
        time.sleep(self.arguments.reload_ms / 1000 * 1.5)
        self.mounted.put("client")

    @classmethod
    def fault_docs(cls, names: Iterable[str]) -> dict[str, str]:
        """Returns the description of each kind of fault."""
        return {name: getattr(cls, name).__doc__ for name in names}

    def run(self) -> Json:
        """Injects all faults and returns the result."""
        arguments = self.arguments
        kinds = [
            self.reload_server,
            self.kill_worker,
            self.kill_all,
            self.renew_files,
            self.kill_workers,
            self.kill_master,
            self.reload_server,
            self.stop,
            self.spoil_files,
            self.freeze,
        ]
        held = []
        # At a tenth, when everything was used once, at half, and at the end.
        due = [arguments.calls // 10, arguments.calls // 2]
        step = max(arguments.calls // arguments.faults, 1)
        for number in range(arguments.faults):
            kind = kinds[number % len(kinds)]
            self.wait_for(self.sample() + step // 2)
            kind()
            self.faults[kind.__name__] = self.faults.get(kind.__name__, 0) + 1
            is_last = number == arguments.faults - 1
            self.wait_for(arguments.calls if is_last else step * (number + 1))
            if is_last or (due and self.sample() >= due[0]):
                held.append(self.program.ask("measure"))
                print(f"{held[-1]['calls']:,} calls after {self.elapsed():.0f} s", file=sys.stderr)
                del due[:1]
        # All idle connections end while no call is in flight. No call may fail because of that.
        wait_until(lambda: self.program.ask("sample")["calls"] > held[-1]["calls"] + 1000, "no more calls")
        self.program.ask("pause")
        self.nginx.end()
        self.nginx.start()
        held_at_end = self.program.ask(f"verify {arguments.verified_calls}")
        totals = self.program.ask("end")
        status = self.program.process.wait()
        if status != 0:
            sys.exit(f"The program ended with status {status}.")
        return {
            "calls": held[-1]["calls"],
            "seconds": round(self.elapsed()),
            "threads_per_client": arguments.threads,
            "timeout_ms": arguments.timeout_ms,
            "faults": self.faults,
            "interruptions": totals["interruptions"],
            "outcomes": {name: totals["calls"][i] for i, (name, *_) in enumerate(LISTENERS)},
            "answers_over_kept_connections": {
                name: totals["reused"][i] for i, (name, *_) in enumerate(LISTENERS)
            },
            "after_last_restart": {name: totals["verified"][i] for i, (name, *_) in enumerate(LISTENERS)},
            "reloads": totals["reloads"],
            "held": held,
            "held_after_last_restart": held_at_end,
            "heap_of_freed_clients": totals["heap_after_clients"] - totals["heap_before_clients"],
            "samples": self.samples,
        }


@contextlib.contextmanager
def server(directory: Path, bed: Json) -> Iterator[Nginx]:
    """Runs nginx during the block."""
    files = bed["files"]
    nginx = Nginx(directory, files, Path(files["server_key"]).parent)
    nginx.start()
    try:
        yield nginx
    finally:
        nginx.end()


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--faults", type=int, default=150, help="number of injected faults")
    parser.add_argument("--threads", type=int, default=8, help="for each of the three clients")
    parser.add_argument("--timeout-ms", type=int, default=2000)
    parser.add_argument("--reload-ms", type=int, default=1000)
    parser.add_argument("--interrupt-ms", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="each kind of fault once, with 8000 calls")
    parser.add_argument("--publish", action="store_true", help="write benches/soak.md and soak.json")
    parser.add_argument("--result", type=Path, default=BENCH / "soak.json")
    arguments = parser.parse_args()
    arguments.pause, arguments.sample_seconds, arguments.verified_calls = (0.1, 0.4), 10, 100
    if arguments.quick:
        arguments.calls, arguments.faults, arguments.timeout_ms = 8000, 10, 1500
        arguments.reload_ms, arguments.interrupt_ms = 200, 600
        arguments.pause, arguments.sample_seconds, arguments.verified_calls = (0.05, 0.1), 0.5, 10
    return arguments


def main() -> None:
    """Runs the soak, writes and prints its result, and fails if there are complaints."""
    arguments = parse()
    bed = testbed()
    # At the start, because the source may change during the long run.
    described = machine.describe(ROOT)
    with tempfile.TemporaryDirectory() as directory, server(Path(directory), bed) as nginx:
        mounted = MountedFiles(Path(directory), bed["files"])
        options = ("threads", "timeout_ms", "reload_ms", "interrupt_ms")
        urls = [f"https://localhost:{port}/checks/passport" for port in nginx.ports]
        program = Program([*(str(vars(arguments)[name]) for name in options), *mounted.paths(), *urls])
        try:
            result = Soak(nginx, mounted, program, arguments).run()
        finally:
            program.process.kill()
    # Removes the name of the temporary folder.
    result = json.loads(json.dumps({"machine": described, **result}).replace(f"{directory}/", ""))
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{result['calls']:,} calls in {result['seconds']} s; faults: {result['faults']}")
    print(summary(result))
    found = complaints(result, arguments.calls)
    if found:
        sys.exit("The soak failed:\n" + "\n".join(found))
    if arguments.publish:
        (ROOT / "benches/soak.json").write_text(json.dumps(result, indent=1) + "\n")
        (ROOT / "benches/soak.md").write_text(page(result, Soak.fault_docs(result["faults"])))
    print("All calls had an expected outcome, and nothing is left behind.")


if __name__ == "__main__":
    main()
