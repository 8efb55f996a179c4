#!/usr/bin/env python3
"""A million calls while the server is reloaded, killed, frozen and gone: what comes of them and what is left.

    make soak                      a million calls, five to ten minutes
    make soak ARGS='--calls N'     fewer
    make soak ARGS=--publish       and benches/soak.md with its figures, benches/soak.json
    make soak-quick                each kind of harm once, some seconds; part of make test

Runs inside the testbed (DCS_TESTBED), whose PKI it uses, with an nginx of its own: a listener for each kind
of traffic. benches/soak.c makes the calls through the C ABI, with a client for each listener that eight
threads share, reloads the files and interrupts calls. Meanwhile this driver does harm to the server, one
kind after the other, and replaces the files, now and then with ones that cannot be used.

Ends with 1 where a call came to what its server's fate does not explain, outlasted its limit of time, or left
anything behind, and where calls do not succeed again once the server is back.
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
from soak_report import complaints, page, summary

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# Name, TLS versions, keepalive_timeout, keepalive_requests; the first is how the DCS answers.
LISTENERS = (
    ("TLS 1.2, closed after each answer", "TLSv1.2", "0", 1000),
    ("TLS 1.2, kept alive", "TLSv1.2", "60s", 1_000_000),
    ("TLS 1.3, kept for 100 calls", "TLSv1.3", "60s", 100),
)

# The documented answer, which the program compares.
ANSWER = '{"available":true,"scheduledOutages":[]}'

# How long nothing may happen, in seconds.
HANGS_AFTER = 60

Json = Any


class Nginx:
    """The server, and what can be done to it."""

    def __init__(self, directory: Path, files: dict[str, str], pki: Path) -> None:
        """Chooses ports and writes the configuration."""
        self.directory = directory
        self.ports = free_ports(len(LISTENERS))
        self.process: subprocess.Popen[bytes] | None = None
        user = "user root;" if os.geteuid() == 0 else ""
        servers = "".join(
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_protocols {versions};"
            f" keepalive_timeout {timeout}; keepalive_requests {requests};"
            # Outside of a location nginx would say that it keeps connections that it then closes.
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
        """Starts it and waits until it listens."""
        # Where this driver is killed, the server is told to end.
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
        until(self.listens, "nginx does not listen")

    def listens(self) -> bool:
        """Whether it accepts connections; fails where it has ended."""
        if self.process is not None and self.process.poll() is not None:
            sys.exit(f"nginx did not start:\n{(self.directory / 'error.log').read_text()[-2000:]}")
        for port in self.ports:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
        return True

    def workers(self) -> list[int]:
        """The process ids of the master's children."""
        assert self.process is not None
        master = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def tell_master(self, number: signal.Signals) -> None:
        """Sends the master a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends all processes the signal and waits until nothing listens."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait()
        until(lambda: not group_lives(self.process), "nginx does not end")
        self.process = None


def group_lives(process: subprocess.Popen[bytes] | None) -> bool:
    """Whether a process of the group is left."""
    assert process is not None
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may just have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def until(done: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Waits for something that comes soon."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"{what} after {seconds} s")
        time.sleep(0.005)


def free_ports(count: int) -> list[int]:
    """Ports that the system gives to nobody by itself.

    While nothing listens, a port of the ephemeral range may become a client's own: then nginx could not
    come back, or a client would be connected to itself.
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


class Mounted:
    """The client's files, as a platform mounts and renews them."""

    def __init__(self, directory: Path, files: dict[str, str]) -> None:
        """Puts the first pair in place."""
        self.directory, self.files = directory, files
        self.put("client")

    def put(self, name: str) -> None:
        """Replaces certificate and key, one after the other."""
        for part in "cert", "key":
            new = self.directory / "new"
            shutil.copy(self.files[f"{name}_{part}"], new)
            new.rename(self.directory / part)

    def paths(self) -> list[str]:
        """CA bundle, certificate and key."""
        return [self.files["ca_bundle"], str(self.directory / "cert"), str(self.directory / "key")]


class Program:
    """The program that calls."""

    def __init__(self, arguments: list[str]) -> None:
        """Compiles and starts it."""
        program = TARGET / "bench" / "soak"
        program.parent.mkdir(parents=True, exist_ok=True)
        release = TARGET / "release"
        # -fno-builtin: the compiler must not think that it knows what malloc does.
        flags = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fno-builtin"]
        link = [f"-L{release}", "-ldcs", "-lpthread", f"-Wl,-rpath,{release}"]
        source = ROOT / "benches/soak.c"
        subprocess.run(["cc", *flags, f"-I{ROOT}/include", "-o", program, source, *link], check=True)
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, command: str) -> Json:
        """Sends a command and returns the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], HANGS_AFTER)[0]:
            sys.exit(f"A call hangs: no answer to '{command}' for {HANGS_AFTER} s.")
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"The program has ended by itself, with {self.process.wait()}.")
        return json.loads(line)


class Soak:
    """The run: harm upon harm, until there were enough calls."""

    def __init__(
        self, nginx: Nginx, mounted: Mounted, program: Program, arguments: argparse.Namespace
    ) -> None:
        """Nothing happens yet."""
        self.nginx, self.mounted, self.program, self.arguments = nginx, mounted, program, arguments
        self.begun = time.monotonic()
        self.samples: list[Json] = []
        self.harm: dict[str, int] = {}
        self.random = random.Random(arguments.seed)  # noqa: S311

    def elapsed(self) -> float:
        """The seconds since the first call."""
        return time.monotonic() - self.begun

    def sample(self) -> int:
        """Looks at the program; how many calls it has made."""
        sample = self.program.tell("sample")
        at = round(self.elapsed(), 1)
        if not self.samples or at - self.samples[-1]["seconds"] >= self.arguments.sample_seconds:
            self.samples.append({"seconds": at, **sample})
        return int(sample["calls"])

    def wait_for(self, calls: int) -> None:
        """Waits until the program has made so many calls; it hangs where it makes none for long."""
        seen, since = self.sample(), time.monotonic()
        while seen < calls:
            time.sleep(0.02)
            now = self.sample()
            if now > seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > HANGS_AFTER:
                sys.exit(f"No call has ended for {HANGS_AFTER} s, after {seen}.")

    def pause(self) -> None:
        """A time in which something is broken."""
        time.sleep(self.random.uniform(*self.arguments.pause))

    def reload_server(self) -> None:
        """The old workers finish what they have begun, and close idle connections."""
        self.nginx.tell_master(signal.SIGHUP)

    def kill_worker(self) -> None:
        """One of two, in the middle of whatever it does; the master starts another."""
        workers = self.nginx.workers()
        if workers:
            kill(self.random.choice(workers), signal.SIGKILL)

    def kill_workers(self) -> None:
        """All at once; the sockets go on listening."""
        for worker in self.nginx.workers():
            kill(worker, signal.SIGKILL)

    def kill_master(self) -> None:
        """Its workers serve on alone for a while, then they are killed too and nothing listens."""
        self.nginx.tell_master(signal.SIGKILL)
        self.pause()
        self.nginx.end()
        self.pause()
        self.nginx.start()

    def kill_all(self) -> None:
        """Everything at once, as a machine loses its power; but here the kernel tells the clients."""
        self.nginx.end()
        self.pause()
        self.nginx.start()

    def stop(self) -> None:
        """As a package's upgrade stops and starts it."""
        self.nginx.end(signal.SIGTERM)
        self.pause()
        self.nginx.start()

    def freeze(self) -> None:
        """Connections are accepted by the kernel and nobody answers, for longer than a call may take."""
        workers = self.nginx.workers()
        for worker in workers:
            kill(worker, signal.SIGSTOP)
        time.sleep(self.arguments.timeout_ms / 1000 * 1.3)
        for worker in workers:
            kill(worker, signal.SIGCONT)

    def renew_files(self) -> None:
        """Another certificate with another key, and later the first one again."""
        self.mounted.put("ec_p256")
        self.pause()
        self.mounted.put("client")

    def spoil_files(self) -> None:
        """A certificate that is empty; clients must go on with what they had."""
        (self.mounted.directory / "cert").write_bytes(b"")
        time.sleep(self.arguments.reload_ms / 1000 * 1.5)
        self.mounted.put("client")

    @classmethod
    def harm_docs(cls, names: Iterable[str]) -> dict[str, str]:
        """What each kind of harm is."""
        return {name: getattr(cls, name).__doc__ for name in names}

    def run(self) -> Json:
        """All of it; the result."""
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
        # At a tenth, when all has been used once, at half, and at the end.
        due = [arguments.calls // 10, arguments.calls // 2]
        step = max(arguments.calls // arguments.harm, 1)
        for number in range(arguments.harm):
            kind = kinds[number % len(kinds)]
            self.wait_for(self.sample() + step // 2)
            kind()
            self.harm[kind.__name__] = self.harm.get(kind.__name__, 0) + 1
            is_last = number == arguments.harm - 1
            self.wait_for(arguments.calls if is_last else step * (number + 1))
            if is_last or (due and self.sample() >= due[0]):
                held.append(self.program.tell("measure"))
                print(f"{held[-1]['calls']:,} calls after {self.elapsed():.0f} s", file=sys.stderr)
                del due[:1]
        # Every connection that is kept dies while nobody looks; no call may fail of that.
        until(lambda: self.program.tell("sample")["calls"] > held[-1]["calls"] + 1000, "calls end")
        self.program.tell("rest")
        self.nginx.end()
        self.nginx.start()
        proof = self.program.tell(f"prove {arguments.proof_calls}")
        told = self.program.tell("end")
        status = self.program.process.wait()
        if status != 0:
            sys.exit(f"The program ended with {status}.")
        return {
            "calls": held[-1]["calls"],
            "seconds": round(self.elapsed()),
            "threads_per_client": arguments.threads,
            "timeout_ms": arguments.timeout_ms,
            "harm": self.harm,
            "interruptions": told["interruptions"],
            "outcomes": {name: told["calls"][i] for i, (name, *_) in enumerate(LISTENERS)},
            "answers_over_kept_connections": {
                name: told["reused"][i] for i, (name, *_) in enumerate(LISTENERS)
            },
            "after_last_restart": {name: told["proof"][i] for i, (name, *_) in enumerate(LISTENERS)},
            "reloads": told["reloads"],
            "held": held,
            "held_after_last_restart": proof,
            "heap_of_freed_clients": told["heap_after_clients"] - told["heap_before_clients"],
            "samples": self.samples,
        }


@contextlib.contextmanager
def server(directory: Path, testbed: Json) -> Iterator[Nginx]:
    """nginx, which is gone afterwards."""
    files = testbed["files"]
    nginx = Nginx(directory, files, Path(files["server_key"]).parent)
    nginx.start()
    try:
        yield nginx
    finally:
        nginx.end()


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--harm", type=int, default=150, help="how often something is done to the server")
    parser.add_argument("--threads", type=int, default=8, help="for each of the three clients")
    parser.add_argument("--timeout-ms", type=int, default=2000)
    parser.add_argument("--reload-ms", type=int, default=1000)
    parser.add_argument("--interrupt-ms", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="each kind of harm once, with a few thousand calls"
    )
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--result", type=Path, default=TARGET / "bench" / "soak.json")
    arguments = parser.parse_args()
    arguments.pause, arguments.sample_seconds, arguments.proof_calls = (0.1, 0.4), 10, 100
    if arguments.quick:
        arguments.calls, arguments.harm, arguments.timeout_ms = 8000, 10, 1500
        arguments.reload_ms, arguments.interrupt_ms = 200, 600
        arguments.pause, arguments.sample_seconds, arguments.proof_calls = (0.05, 0.1), 0.5, 10
    return arguments


def main() -> None:
    """Runs it, keeps and prints what it found, and judges."""
    arguments = parse()
    if "DCS_TESTBED" not in os.environ:
        sys.exit("DCS_TESTBED is not set: run `make soak`")
    testbed = json.loads(Path(os.environ["DCS_TESTBED"]).read_text())
    # Before, because the run is long and the source may be worked on.
    described = machine.describe(ROOT)
    with tempfile.TemporaryDirectory() as directory, server(Path(directory), testbed) as nginx:
        mounted = Mounted(Path(directory), testbed["files"])
        options = ("threads", "timeout_ms", "reload_ms", "interrupt_ms")
        urls = [f"https://localhost:{port}/checks/passport" for port in nginx.ports]
        program = Program([*(str(vars(arguments)[name]) for name in options), *mounted.paths(), *urls])
        try:
            result = Soak(nginx, mounted, program, arguments).run()
        finally:
            program.process.kill()
    # The folder is gone, and its name tells nothing.
    result = json.loads(json.dumps({"machine": described, **result}).replace(f"{directory}/", ""))
    arguments.result.parent.mkdir(parents=True, exist_ok=True)
    arguments.result.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{result['calls']:,} calls in {result['seconds']} s; done to the server: {result['harm']}")
    print(summary(result))
    found = complaints(result, arguments.calls)
    if found:
        sys.exit("The soak failed:\n" + "\n".join(found))
    if arguments.publish:
        (ROOT / "benches/soak.json").write_text(json.dumps(result, indent=1) + "\n")
        (ROOT / "benches/soak.md").write_text(page(result, Soak.harm_docs(result["harm"])))
    print("All calls came to what was to be expected, and nothing is left behind.")


if __name__ == "__main__":
    main()
