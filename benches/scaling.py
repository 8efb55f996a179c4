#!/usr/bin/env python3
"""How the library's calls per second grow with threads and clients, near the server and far from it.

    make bench-scaling              some 15 minutes
    make bench-scaling-quick        fewer points and shorter ones, about a minute

Measured for this library through its C ABI (benches/scaling.c) and for the floor
(benches/contenders/rust/floor.rs: rustls and sockets, nothing else), against the testbed's nginx: calls per
second, the median and the 99th percentile of the latency, the process's CPU time per call, and how busy the
machine was. For the DCS's traffic (TLS 1.2, a new connection and a resumed session for each call) and for
kept connections; with 0, 10 and 50 ms of added round-trip time; once with 1 to 256 threads on one client,
once with 64 threads on 1 to 64 clients.

The round-trip time is added in a network namespace that this script makes and removes, with a TUN device
whose packets benches/delay.c holds back: as netem would, but every kernel with TUN can do it. That needs
root; without, or without TUN, only the measurements without added time are made, and the text says so. What
the delay costs in CPU time is part of how busy the machine is.

Client, delay and nginx share the machine's processors, so where these are the limit the numbers are of the
machine and comparisons within a chart are what counts. nginx is the testbed's, with one worker.

Results, in OUT (default target/bench): scaling.json with every point, scaling-threads.svg, scaling-
latency.svg and scaling-clients.svg, scaling.txt, which says what limits.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import math
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

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
NAMESPACE = f"dcs-scaling-{os.getpid()}"
DEVICE = "dcs-delay"
# In a namespace without a way out: the server's own address, and the one that leads there through the delay.
NEAR, FAR = "10.99.0.1", "10.99.0.2"

TRAFFIC = {"tls12_close": "DCS traffic (TLS 1.2, resumed)", "tls12_keepalive": "kept connections"}
PROGRAMS = {"libdcs": "libdcs", "floor": "the floor"}
THREADS_OF_CLIENTS = 64


# What was measured with one number of threads and clients, as it is written.
Point = dict[str, Any]


# The programs.


def build(out: Path) -> None:
    """The two C programs and the floor; the release library is there already."""
    out.mkdir(parents=True, exist_ok=True)
    release = TARGET / "release"
    flags = ["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
    link = [f"-I{ROOT}/include", f"-L{release}", "-ldcs", "-lpthread", f"-Wl,-rpath,{release}"]
    subprocess.run([*flags, "-o", out / "scaling", ROOT / "benches/scaling.c", *link], check=True)
    subprocess.run([*flags, "-o", out / "delay", ROOT / "benches/delay.c"], check=True)
    # In a folder of its own: cargo would put a library without link-time optimisation in the place of ours.
    messages = subprocess.run(
        ["cargo", "build", "--release", "--locked", "--bench", "contender-floor", "--message-format=json"],
        cwd=ROOT,
        env=dict(os.environ, CARGO_TARGET_DIR=str(TARGET / "contenders")),
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    for message in map(json.loads, messages.splitlines()):
        if message.get("target", {}).get("name") == "contender-floor" and message.get("executable"):
            shutil.copy2(message["executable"], out / "scaling-floor")


class Contender:
    """A running program that speaks the protocol of benches/README.md."""

    def __init__(self, command: list[str], pid_file: Path) -> None:
        """Starts it; the file has the process of the nginx that it will call."""
        self.pid_file = pid_file
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command: str) -> Any:
        """Sends a command and reads the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"A contender ended with status {self.process.wait()} at '{command}'.")
        return json.loads(answer)

    def run(self, calls: int, threads: int) -> Any:
        """Makes calls; adds to the answer how busy nginx and the machine were."""
        idle, everything = processor_times()
        server = server_seconds(self.pid_file)
        answer = self.ask(f"run {calls} {threads}")
        idle_after, everything_after = processor_times()
        answer["server"] = (server_seconds(self.pid_file) - server) / (answer["wall_ns"] / 1e9)
        answer["busy"] = 1 - (idle_after - idle) / max(1, everything_after - everything)
        return answer

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def server_seconds(pid_file: Path) -> float:
    """The CPU time so far of nginx's worker, from Linux's /proc."""
    ticks = 0
    master = pid_file.read_text().strip()
    for worker in Path(f"/proc/{master}/task/{master}/children").read_text().split():
        fields = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def processor_times() -> tuple[int, int]:
    """Idle and all ticks of the machine's processors, from Linux's /proc."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def measure(contender: Contender, threads: int, seconds: float) -> Point:
    """One point: a warm-up, which also tells how many calls the time allows, then the run."""
    contender.run(threads, threads)
    warm = contender.run(threads * 3, threads)
    rate = threads * 3 / (warm["wall_ns"] / 1e9)
    calls = max(threads * 4, min(int(rate * seconds), 100_000))
    answer = contender.run(calls, threads)
    latencies = sorted(answer["latencies_ns"])
    wall = answer["wall_ns"]
    return {
        "calls": calls,
        "calls_per_second": calls / (wall / 1e9),
        "median_ms": percentile(latencies, 0.5) / 1e6,
        "p99_ms": percentile(latencies, 0.99) / 1e6,
        "cpu_us_per_call": answer["cpu_ns"] / calls / 1e3,
        "processors_of_the_process": answer["cpu_ns"] / wall,
        "processors_of_nginx": answer["server"],
        "machine_busy": answer["busy"],
    }


def percentile(sorted_values: list[int], share: float) -> int:
    """The value that this share of all does not exceed."""
    return sorted_values[min(len(sorted_values) - 1, math.ceil(share * len(sorted_values)) - 1)]


# The network.


def run_ip(*arguments: str) -> None:
    """Runs iproute2's program."""
    subprocess.run(["ip", *arguments], check=True)


def obstacle() -> str | None:
    """Why no round-trip time can be added here; None where it can."""
    if os.geteuid() != 0:
        return "that needs root, for a network namespace"
    if not (shutil.which("ip") and shutil.which("unshare")):
        return "that needs the programs ip and unshare (packages iproute2 and util-linux)"
    if not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    made = subprocess.run(["ip", "netns", "add", NAMESPACE], stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        return made.stderr.strip()
    try:
        add = ["ip", "-n", NAMESPACE, "tuntap", "add", "dev", DEVICE, "mode", "tun"]
        subprocess.run(add, check=True, stderr=subprocess.PIPE)
        return None
    except subprocess.CalledProcessError as error:
        run_ip("netns", "del", NAMESPACE)
        return str(error.stderr.decode().strip())


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the process with the block."""
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def second_nginx(testbed: Any) -> Iterator[None]:
    """The testbed's nginx once more, on the address that the delay leads to."""
    folder = Path(testbed["dir"]) / "nginx"
    text = (folder / "nginx.conf").read_text()
    text = text.replace("listen 127.0.0.1:", f"listen {NEAR}:").replace("nginx.pid", "scaling.pid")
    (folder / "scaling.conf").write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with ended(subprocess.Popen([program, "-p", folder, "-c", "scaling.conf", "-e", "error.log"])):
        yield


def round_trip_ms(address: str, port: int) -> float:
    """The shortest of some TCP handshakes, once the server is there."""
    deadline = time.monotonic() + 20
    while True:
        try:
            times = []
            for _ in range(5):
                begun = time.monotonic()
                socket.create_connection((address, port), timeout=5).close()
                times.append((time.monotonic() - begun) * 1e3)
            return min(times)
        except OSError as error:
            if time.monotonic() > deadline:
                sys.exit(f"No connection to {address}:{port}: {error}")


@contextlib.contextmanager
def network(testbed: Any, out: Path, added_ms: int) -> Iterator[tuple[list[str], float, Path]]:
    """Gives a contender's prefix, the round-trip time as a TCP handshake sees it, and nginx's pid file."""
    port = int(testbed["urls"]["tls12_close"].rsplit(":", 1)[1])
    if added_ms == 0:
        yield [], round_trip_ms("127.0.0.1", port), Path(testbed["dir"]) / "nginx/nginx.pid"
        return
    # The certificate is for localhost, so for the contender that name has to lead to the other address.
    hosts = out / "hosts"
    hosts.write_text(f"{FAR} localhost\n")
    script = 'mount --bind "$0" /etc/hosts && exec "$@"'
    with ended(subprocess.Popen([out / "delay", DEVICE, str(added_ms * 500)])), second_nginx(testbed):
        seen = round_trip_ms(FAR, port)
        prefix = ["unshare", "--mount", "sh", "-c", script, str(hosts)]
        yield prefix, seen, Path(testbed["dir"]) / "nginx/scaling.pid"


# The measurements.


def inside(arguments: argparse.Namespace) -> None:
    """Measures, in the testbed and where there is one in the namespace; writes scaling.json."""
    testbed = json.loads(Path(os.environ["DCS_TESTBED"]).read_text())
    files = [testbed["files"][name] for name in ("ca_bundle", "client_chain", "client_key")]
    programs = {"libdcs": arguments.out / "scaling", "floor": arguments.out / "scaling-floor"}
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
        url = testbed["urls"][traffic] + "/checks/passport"
        command = [*prefix, str(programs[name]), url, *files, str(clients)]
        with Contender(command, pid_file) as contender:
            for count in threads:
                point = measure(contender, count, arguments.seconds)
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
        with network(testbed, arguments.out, added) as reached:
            for traffic in TRAFFIC:
                for name in PROGRAMS:
                    add("threads", added, reached, traffic, name, arguments.threads, 1)
                    for clients in arguments.clients:
                        add("clients", added, reached, traffic, name, [THREADS_OF_CLIENTS], clients)
    result = {"processors": os.cpu_count(), "not_added": arguments.not_added, "points": points}
    (arguments.out / "scaling.json").write_text(json.dumps(result, indent=1) + "\n")


def report(out: Path) -> None:
    """The charts and the text, from scaling.json."""
    result = json.loads((out / "scaling.json").read_text())
    points = result["points"]
    rate, median, p99 = "calls_per_second", "median_ms", "p99_ms"
    charts = {
        "scaling-threads.svg": (
            "Calls per second by threads, one client",
            "threads",
            "threads",
            [(rate, "")],
        ),
        "scaling-latency.svg": (
            "Milliseconds per call by threads, one client: median, and dashed the 99th percentile",
            "threads",
            "threads",
            [(median, ""), (p99, "4 3")],
        ),
        "scaling-clients.svg": (
            f"Calls per second by clients, {THREADS_OF_CLIENTS} threads",
            "clients",
            "clients",
            [(rate, "")],
        ),
    }
    for name, (title, series, x, values) in charts.items():
        chosen = [point for point in points if point["series"] == series]
        (out / name).write_text(chart(title, chosen, x, values))
    text = limits(result)
    (out / "scaling.txt").write_text(text)
    print(text)


def limits(result: Any) -> str:
    """The text: what limits each series, and how near to the floor the library is."""
    lines = [f"What limits, on this machine with {result['processors']} processors:"]
    points = [point for point in result["points"] if point["series"] == "threads"]
    for added in sorted({point["added_ms"] for point in points}):
        for traffic, title in TRAFFIC.items():
            chosen = {
                name: [
                    point
                    for point in points
                    if (point["added_ms"], point["traffic"], point["program"]) == (added, traffic, name)
                ]
                for name in PROGRAMS
            }
            seen = chosen["libdcs"][0]["round_trip_ms"]
            lines.append(f"\n{title}, {added} ms added ({seen:.1f} ms as TCP sees it):")
            for name, series in chosen.items():
                lines.append(f"  {PROGRAMS[name]}: {limit_of(series)}")
            pairs = zip(chosen["libdcs"], chosen["floor"], strict=True)
            ratios = [mine["calls_per_second"] / floor["calls_per_second"] for mine, floor in pairs]
            lines.append(
                f"  libdcs makes {min(ratios):.0%} to {max(ratios):.0%} of the floor's calls per second."
            )
    if result["not_added"]:
        lines.append(f"\nNo round-trip time was added: {result['not_added']}.")
    return "\n".join(lines) + "\n"


def limit_of(series: list[Point]) -> str:
    """Why a series does not go higher, from what was measured: time of waiting, or processors."""
    best = max(series, key=lambda point: point["calls_per_second"])
    alone = series[0]["calls_per_second"] / series[0]["threads"]
    # Up to where each thread makes at least 80 % of the calls that one thread alone makes.
    linear = [
        point["threads"] for point in series if point["calls_per_second"] >= 0.8 * alone * point["threads"]
    ]
    text = (
        f"at most {best['calls_per_second']:.0f} calls per second, with {best['threads']} threads;"
        f" grows with the threads up to {max(linear)};"
        f" {best['cpu_us_per_call']:.0f} us of CPU time per call in the process"
    )
    if best["processors_of_nginx"] >= 0.85:
        return text + f". The limit is nginx's one worker, {best['processors_of_nginx']:.0%} busy."
    if best["machine_busy"] >= 0.85:
        busy = f"{best['machine_busy']:.0%}"
        return text + f". The limit is the processors, {busy} busy with client, nginx and delay."
    if best["threads"] in linear:
        return text + ". The limit is waiting for the network: more threads would make more calls."
    return text + (
        f". No one limit: the processors are {best['machine_busy']:.0%} busy, nginx's one worker"
        f" {best['processors_of_nginx']:.0%}, and a call takes {best['median_ms']:.1f} ms"
        f" instead of {series[0]['median_ms']:.1f}."
    )


# The charts.

WIDTH, HEIGHT, MARGIN = 300, 220, 58
COLOURS = {"libdcs": "#0b6e99", "floor": "#8a8a8a"}


def chart(title: str, points: list[Point], x: str, values: list[tuple[str, str]]) -> str:
    """Panels on logarithmic axes: a row for each traffic, a column for each added round-trip time."""
    delays = sorted({point["added_ms"] for point in points})
    wide, high = len(delays) * (WIDTH + MARGIN) + 24, len(TRAFFIC) * (HEIGHT + MARGIN) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
        ' font-family="sans-serif" font-size="11" fill="#222">',
        f'<rect width="{wide}" height="{high}" fill="#fff"/>',
        f'<text x="16" y="22" font-size="15">{html.escape(title)}</text>',
    ]
    for index, name in enumerate(PROGRAMS):
        left = 16 + index * 110
        parts.append(f'<path d="M{left} 38h22" stroke="{COLOURS[name]}" stroke-width="2"/>')
        parts.append(f'<text x="{left + 28}" y="42">{PROGRAMS[name]}</text>')
    for row, traffic in enumerate(TRAFFIC):
        for column, added in enumerate(delays):
            chosen = [point for point in points if (point["traffic"], point["added_ms"]) == (traffic, added)]
            left, top = MARGIN + column * (WIDTH + MARGIN), 72 + row * (HEIGHT + MARGIN)
            parts.append(f'<g transform="translate({left},{top})">')
            parts.append(f'<text y="-8">{html.escape(TRAFFIC[traffic])}, {added} ms added</text>')
            parts.extend(panel(chosen, x, values))
            parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def panel(points: list[Point], x: str, values: list[tuple[str, str]]) -> Iterator[str]:
    """One panel: its grid, and a line for each program and value."""
    columns = sorted({point[x] for point in points})
    numbers = [point[value] for point in points for value, _ in values]
    # Whole steps of 1, 2, 5 around what is shown.
    ticks = [digit * 10**power for power in range(-3, 8) for digit in (1, 2, 5)]
    low = max((tick for tick in ticks if tick <= min(numbers)), default=ticks[0])
    high = min((tick for tick in ticks if tick >= max(numbers)), default=ticks[-1])
    high = high if high > low else low * 10
    first, last = math.log2(columns[0]), max(math.log2(columns[-1]), math.log2(columns[0]) + 1)

    def place(point: Point, value: str) -> str:
        across = (math.log2(point[x]) - first) / (last - first) * WIDTH
        up = math.log(point[value] / low) / math.log(high / low) * HEIGHT
        return f"{across:.1f},{HEIGHT - up:.1f}"

    for tick in ticks:
        if low <= tick <= high:
            y = HEIGHT - math.log(tick / low) / math.log(high / low) * HEIGHT
            yield f'<path d="M0 {y:.1f}h{WIDTH}" stroke="#e4e4e4"/>'
            yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>'
    for column in columns:
        across = (math.log2(column) - first) / (last - first) * WIDTH
        yield f'<text x="{across:.1f}" y="{HEIGHT + 15}" text-anchor="middle">{column}</text>'
    for name in PROGRAMS:
        line = sorted((point for point in points if point["program"] == name), key=lambda point: point[x])
        for value, dashes in values:
            places = " ".join(place(point, value) for point in line)
            style = f' stroke-dasharray="{dashes}"' if dashes else ""
            stroke = f'stroke="{COLOURS[name]}" stroke-width="2"{style}'
            yield f'<polyline points="{places}" fill="none" {stroke}/>'


def powers(last: int) -> list[int]:
    """The powers of two from 1 to the last."""
    return [2**power for power in range(last.bit_length()) if 2**power <= last]


def main() -> None:
    """Reads the command line; measures in the testbed, by running itself there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer points, and shorter ones")
    parser.add_argument("--out", type=Path, default=TARGET / "bench")
    parser.add_argument(
        "--report", action="store_true", help="only draw the charts anew from OUT/scaling.json"
    )
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    if arguments.inside is not None:
        arguments.not_added = arguments.inside
        arguments.delays = [0] if arguments.not_added else [0, 10, 50]
        arguments.threads = [1, 4, 16, 64, 256] if arguments.quick else powers(256)
        arguments.clients = [1, 64] if arguments.quick else powers(64)
        arguments.seconds = 0.5 if arguments.quick else 3.0
        inside(arguments)
        return
    if not arguments.report:
        build(arguments.out)
        reason = obstacle()
        again = [sys.executable, __file__, *sys.argv[1:], "--inside", reason or ""]
        testbed = [str(TARGET / "debug/dcs-testbed"), "--", *again]
        # Ctrl-C and SIGTERM are exceptions here, so that the namespace goes.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            if reason:
                print(f"No round-trip time is added: {reason}.")
            else:
                run_ip("-n", NAMESPACE, "link", "set", "lo", "up")
                testbed = ["ip", "netns", "exec", NAMESPACE, *testbed]
            subprocess.run(testbed, check=True)
        finally:
            if not reason:
                run_ip("netns", "del", NAMESPACE)
    report(arguments.out)


if __name__ == "__main__":
    main()
