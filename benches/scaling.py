#!/usr/bin/env python3
"""Measures how calls per second grow with threads and clients, near the server and far from it.

    make bench-scaling              about 15 minutes
    make bench-scaling-quick        fewer and shorter points, about a minute

Measures this library through its C ABI and the floor (rustls and sockets, nothing else), against the
testbed's nginx. Both programs are contenders of the race: libdcs (C) and floor (Rust). For each point it
records calls per second, the median and the 99th percentile of the latency, the process's CPU time per
call, and how busy the machine was. Traffic is the DCS's (TLS 1.2, a new connection and a resumed session
for each call), and kept connections, with 0, 10 and 50 ms of added round-trip time. One series has 1 to
256 threads on one client, the other has 64 threads on 1 to 64 clients.

The round-trip time is added in a temporary network namespace, with a TUN device whose packets
benches/delay.c holds back. netem would do the same, but this works on every kernel with TUN. It needs
root. Without root or TUN, only the points without added time are measured, and the text says so. The CPU
time of the delay counts as the machine's.

Client, delay and nginx share the machine's processors. If these are the limit, the absolute figures
describe the machine, and only comparisons within a chart count. nginx is the testbed's, with one worker.

Results, in OUT (default target/bench): scaling.json with every point; scaling-threads.svg,
scaling-latency.svg and scaling-clients.svg; scaling.txt, which names the limits.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import BENCH, ROOT, TARGET, TESTBED, client_files, compile_c, testbed
from contender import ContenderError, Process
from figures import quantile
from scaling_report import CLIENT_THREADS, PROGRAMS, TRAFFIC, Point, report

NAMESPACE = f"dcs-scaling-{os.getpid()}"
DEVICE = "dcs-delay"
# In a namespace without a route out: the server's address, and the address behind the delay.
NEAR, FAR = "10.99.0.1", "10.99.0.2"


# Programs


def build(out: Path) -> None:
    """Builds the two contenders and the delay; the release library exists already."""
    sources = ("contenders/c/contender.c", "contenders/c/libdcs_.c")
    compile_c(out / "scaling-libdcs", *sources, flags=("-D_POSIX_C_SOURCE=200809L",))
    compile_c(out / "scaling-delay", "delay.c")
    environment = {**os.environ, "BENCH_DIR": str(BENCH), "CARGO_TARGET_DIR": str(TARGET)}
    subprocess.run([ROOT / "benches/contenders/rust/build.sh"], env=environment, check=True)
    shutil.copy2(BENCH / "rust/floor", out / "scaling-floor")


def server_seconds(pid_file: Path) -> float:
    """Returns the CPU time of nginx's worker so far, from Linux's /proc."""
    ticks = 0
    master = pid_file.read_text().strip()
    for worker in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        fields = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def processor_times() -> tuple[int, int]:
    """Returns the idle and the total ticks of the machine's processors, from Linux's /proc."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def measure(contender: Process, pid_file: Path, threads: int, seconds: float) -> Point:
    """Measures one point, after a warm-up that also shows how many calls the time allows."""
    contender.run(threads, threads)
    warm = contender.run(threads * 3, threads)
    rate = threads * 3 / (warm.wall_ns / 1e9)
    calls = max(threads * 4, min(int(rate * seconds), 100_000))
    idle, total = processor_times()
    server = server_seconds(pid_file)
    run = contender.run(calls, threads, limit_s=60 + 20 * seconds)
    idle_after, total_after = processor_times()
    latencies = sorted(run.latencies_ns)
    return {
        "calls": calls,
        "calls_per_second": calls / (run.wall_ns / 1e9),
        "median_ms": quantile(latencies, 0.5) / 1e6,
        "p99_ms": quantile(latencies, 0.99) / 1e6,
        "cpu_us_per_call": run.cpu_ns / calls / 1e3,
        "processors_of_the_process": run.cpu_ns / run.wall_ns,
        "processors_of_nginx": (server_seconds(pid_file) - server) / (run.wall_ns / 1e9),
        "machine_busy": 1 - (idle_after - idle) / max(1, total_after - total),
    }


# Network


def run_ip(*arguments: str) -> None:
    """Runs iproute2's program."""
    subprocess.run(["ip", *arguments], check=True)


def create_namespace() -> str | None:
    """Creates the namespace with its device, or returns why no round-trip time can be added."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    if not (shutil.which("ip") and shutil.which("unshare")):
        return "the programs ip and unshare are missing (packages iproute2 and util-linux)"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is missing"
    added = subprocess.run(["ip", "netns", "add", NAMESPACE], stderr=subprocess.PIPE, text=True, check=False)
    if added.returncode != 0:
        return added.stderr.strip()
    try:
        command = ["ip", "-n", NAMESPACE, "tuntap", "add", "dev", DEVICE, "mode", "tun"]
        subprocess.run(command, check=True, stderr=subprocess.PIPE)
        return None
    except subprocess.CalledProcessError as error:
        run_ip("netns", "del", NAMESPACE)
        return str(error.stderr.decode().strip())


@contextlib.contextmanager
def terminating(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Terminates the process at the end of the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def second_nginx(folder: Path) -> Iterator[None]:
    """Runs the testbed's nginx a second time, on the address behind the delay."""
    text = (folder / "nginx.conf").read_text()
    text = text.replace("listen 127.0.0.1:", f"listen {NEAR}:").replace("nginx.pid", "scaling.pid")
    (folder / "scaling.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with terminating(subprocess.Popen([program, "-p", folder, "-c", "scaling.conf", "-e", "error.log"])):
        yield


def round_trip_ms(address: str, port: int) -> float:
    """Returns the shortest of five TCP handshakes, once the server listens."""
    deadline = time.monotonic() + 20
    while True:
        try:
            times = []
            for _ in range(5):
                start = time.monotonic()
                socket.create_connection((address, port), timeout=5).close()
                times.append((time.monotonic() - start) * 1e3)
            return min(times)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"No connection to {address}:{port}: {error}")


@contextlib.contextmanager
def network(bed: Any, out: Path, added_ms: int) -> Iterator[tuple[list[str], float, Path]]:
    """Yields a prefix for a contender's command, the time of a TCP handshake, and nginx's pid file."""
    port = int(bed["urls"]["tls12_close"].rsplit(":", 1)[1])
    nginx = Path(bed["dir"]) / "nginx"
    if added_ms == 0:
        yield [], round_trip_ms("127.0.0.1", port), nginx / "nginx.pid"
        return
    # The certificate is for localhost, so the contender must resolve that name to the delayed address.
    hosts = out / "hosts"
    hosts.write_text(f"{FAR} localhost\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    delay = [str(out / "scaling-delay"), DEVICE, str(added_ms * 500)]
    with terminating(subprocess.Popen(delay)), second_nginx(nginx):
        prefix = ["unshare", "--mount", "sh", "-c", script, str(hosts)]
        yield prefix, round_trip_ms(FAR, port), nginx / "scaling.pid"


# Measurements


def measure_all(arguments: argparse.Namespace) -> None:
    """Measures all points, in the testbed and in the namespace if there is one; writes scaling.json."""
    bed = testbed()
    files = client_files(bed["files"])
    if arguments.delays != [0]:
        run_ip("link", "set", "lo", "up")
        run_ip("addr", "add", f"{NEAR}/24", "dev", DEVICE)
        run_ip("link", "set", DEVICE, "txqueuelen", "10000", "up")
    points = []

    def add(
        series: str,
        added: int,
        reached: tuple[list[str], float, Path],
        traffic: str,
        name: str,
        threads: list[int],
        clients: int,
    ) -> None:
        prefix, seen, pid_file = reached
        url = bed["urls"][traffic] + "/checks/passport"
        command = [*prefix, str(arguments.out / f"scaling-{name}"), url, *files, str(clients)]
        with Process(command) as contender:
            for count in threads:
                point = measure(contender, pid_file, count, arguments.seconds)
                point.update(series=series, added_ms=added, round_trip_ms=seen, traffic=traffic, program=name)
                point.update(threads=count, clients=clients)
                points.append(point)
                print(
                    f"{added:3} ms  {traffic:16} {name:7} {count:4} threads {clients:3} clients"
                    f" {point['calls_per_second']:9.0f} calls/s  median {point['median_ms']:8.2f} ms"
                    f"  p99 {point['p99_ms']:8.2f} ms  machine {point['machine_busy']:4.0%} busy",
                    flush=True,
                )

    for added in arguments.delays:
        with network(bed, arguments.out, added) as reached:
            for traffic in TRAFFIC:
                for name in PROGRAMS:
                    add("threads", added, reached, traffic, name, arguments.threads, 1)
                    for clients in arguments.clients:
                        add("clients", added, reached, traffic, name, [CLIENT_THREADS], clients)
    result = {"processors": os.cpu_count(), "not_added": arguments.not_added, "points": points}
    (arguments.out / "scaling.json").write_text(json.dumps(result, indent=1) + "\n")


def powers_of_two(last: int) -> list[int]:
    """Returns the powers of two from 1 to the last."""
    return [2**power for power in range(last.bit_length()) if 2**power <= last]


def main() -> None:
    """Builds the programs, runs itself again in the testbed to measure, and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter points")
    parser.add_argument("--out", type=Path, default=BENCH, help="folder for the results")
    parser.add_argument("--report", action="store_true", help="only redraw the charts from OUT/scaling.json")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    if arguments.inside is not None:
        arguments.not_added = arguments.inside
        arguments.delays = [0] if arguments.not_added else [0, 10, 50]
        arguments.threads = [1, 4, 16, 64, 256] if arguments.quick else powers_of_two(256)
        arguments.clients = [1, 64] if arguments.quick else powers_of_two(64)
        arguments.seconds = 0.5 if arguments.quick else 3.0
        try:
            measure_all(arguments)
        except ContenderError as error:
            sys.exit(f"A contender failed: {error}")
        return
    if not arguments.report:
        build(arguments.out)
        reason = create_namespace()
        again = [sys.executable, __file__, *sys.argv[1:], "--inside", reason or ""]
        command = [str(TESTBED), "--", *again]
        # Turns SIGTERM into an exception, as Ctrl-C is, so that the namespace is removed.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            if reason:
                print(f"No round-trip time is added: {reason}.")
            else:
                run_ip("-n", NAMESPACE, "link", "set", "lo", "up")
                command = ["ip", "netns", "exec", NAMESPACE, *command]
            subprocess.run(command, check=True)
        finally:
            if not reason:
                run_ip("netns", "del", NAMESPACE)
    report(arguments.out)


if __name__ == "__main__":
    main()
