"""Ending calls: by Ctrl-C and other signal handlers on the main thread, and by interrupt() on any."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import libdcs
from conftest import LIMIT, Listener, Program, Relay, Testbed, not_on_pypy
from libdcs import Code, NetworkError

Run = Callable[..., Program]


@contextlib.contextmanager
def early() -> Iterator[None]:
    """Fail if the block takes as long as a call that nothing ends."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < LIMIT


@contextlib.contextmanager
def handling(number: int, handler: Callable[..., Any]) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@contextlib.contextmanager
def ticking(handler: Callable[..., Any], first: float = 0.005, then: float = 0.005) -> Iterator[None]:
    """Send SIGALRM repeatedly."""
    with handling(signal.SIGALRM, handler):
        signal.setitimer(signal.ITIMER_REAL, first, then)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def raise_timeout(*_: object) -> None:
    raise TimeoutError("the handler's own")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


CTRL_C = """
stalled, good = client(given["stalled"]), client(given["good"])
if given["warm"]:
    assert good.status().available
print("calling")
try:
    stalled.status()
except KeyboardInterrupt:
    print("interrupted")
assert good.status().available
assert not stalled.closed
"""


def interrupted_program(run: Run, wait: Callable[[], object], **given: object) -> None:
    program = run(CTRL_C, **given)
    assert program.read_line() == "calling"
    wait()
    program.send(signal.SIGINT)
    # Nothing else ends the call before the program's own limit of time.
    assert program.wait() == ["interrupted"]


@pytest.mark.parametrize("warm", [False, True])
def test_ctrl_c_during_handshake(testbed: Testbed, silent: Listener, run: Run, warm: bool) -> None:
    interrupted_program(
        run, silent.wait_for_connection, stalled=silent.url, good=testbed.url("tls12_keepalive"), warm=warm
    )


def test_ctrl_c_during_connect(testbed: Testbed, run: Run) -> None:
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        # They fill the backlog, so that the kernel drops further connections.
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        in_queue = syn_sent(address[1])

        def wait() -> None:
            wait_until(lambda: syn_sent(address[1]) > in_queue)

        url = f"https://127.0.0.1:{address[1]}/"
        interrupted_program(run, wait, stalled=url, good=testbed.url("tls12_close"), warm=False)


def syn_sent(port: int) -> int:
    """Count the connections to a port in the state SYN_SENT."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


def test_ctrl_c_during_response(testbed: Testbed, run: Run) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(testbed.files["server_cert"], testbed.files["server_key"])
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as held:

        def wait() -> None:
            connection = held.enter_context(context.wrap_socket(server.accept()[0], server_side=True))
            assert connection.recv(65536).startswith(b"GET ")

        url = f"https://localhost:{server.getsockname()[1]}/"
        interrupted_program(run, wait, stalled=url, good=testbed.url("tls12_close"), warm=False)


DIAGNOSIS = """
print("calling")
try:
    libdcs.diagnose(url=given["stalled"], **given["options"])
except KeyboardInterrupt:
    print("interrupted")
assert libdcs.diagnose(url=given["good"], **given["options"]).ok
"""


def test_ctrl_c_during_diagnosis(testbed: Testbed, silent: Listener, run: Run) -> None:
    program = run(DIAGNOSIS, stalled=silent.url, good=testbed.url("tls12_close"))
    assert program.read_line() == "calling"
    assert silent.wait_for_connection()
    program.send(signal.SIGINT)
    assert program.wait() == ["interrupted"]


OTHER_THREADS = """
stalled = client(given["stalled"], **given["more"])
outcome = []

def call():
    try:
        stalled.status()
    except BaseException as error:
        outcome.append(error)

other = threading.Thread(target=call)
def main():
    try:
        stalled.status()
    except KeyboardInterrupt:
        print("interrupted")
if given["more"]:
    # The thread shares the request of the main thread's call.
    threading.Thread(target=lambda: (sys.stdin.readline(), other.start(), print("started"))).start()
    main()
else:
    other.start()
    main()
    sys.stdin.readline()
    assert other.is_alive()
print("waiting")
other.join()
assert [error.code for error in outcome] == [libdcs.Code.CONNECTION_LOST], outcome
"""


def test_ctrl_c_does_not_end_calls_of_other_threads(silent: Listener, run: Run) -> None:
    program = run(OTHER_THREADS, stalled=silent.url, more={})
    assert silent.wait_for_connection()
    assert silent.wait_for_connection()
    program.send(signal.SIGINT)
    assert program.read_line() == "interrupted"
    program.write_line("go on")
    assert program.read_line() == "waiting"
    silent.drop()
    assert program.wait() == []


def test_ctrl_c_does_not_end_calls_sharing_the_request(silent: Listener, run: Run) -> None:
    program = run(OTHER_THREADS, stalled=silent.url, more={"status_max_age": 60})
    assert silent.wait_for_connection()
    program.write_line("start")
    assert program.read_line() == "started"
    program.send(signal.SIGINT)
    assert program.read_line() == "interrupted"
    # The thread now sends a request of its own.
    assert silent.wait_for_connection()
    assert program.read_line() == "waiting"
    silent.drop()
    assert program.wait() == []


def test_exception_in_handler_ends_call(testbed: Testbed, silent: Listener) -> None:
    client = libdcs.Client(**testbed.options(silent.url))
    with early(), ticking(raise_timeout, 0.2, 0), pytest.raises(TimeoutError, match="the handler's own"):
        client.status()


@not_on_pypy("there a handler may run during a call of a built-in function")
def test_handler_raises_at_any_point(testbed: Testbed) -> None:
    came = False

    def handler(*_: object) -> None:
        nonlocal came
        came = True
        raise_timeout()

    def call(microseconds: int) -> None:
        signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)
        client.status()
        end = time.monotonic() + LIMIT
        while not came:
            assert time.monotonic() < end
            # CPython 3.12 and older may forget a signal that comes while it notes another event.
            # To release the GIL, as each call does, reminds it.
            time.sleep(0)

    with testbed.client("tls12_keepalive") as client, handling(signal.SIGALRM, handler):
        client.status()
        before = descriptors()
        for attempt in range(3000):
            came = False
            with pytest.raises(TimeoutError):
                call(1 + attempt % 150)
            assert client.status().connection.tls_version == "TLSv1.2"
        assert descriptors() == before


@pytest.mark.parametrize("on_main_thread", [True, False])
@pytest.mark.parametrize("close", [True, False])
def test_interrupt(testbed: Testbed, silent: Listener, on_main_thread: bool, close: bool) -> None:
    client = libdcs.Client(**testbed.options(silent.url))
    raised: list[BaseException] = []

    def call() -> None:
        try:
            client.status()
        except BaseException as error:
            raised.append(error)

    def interrupt() -> None:
        assert silent.connected.wait(LIMIT)
        if close:
            client.close()
        client.interrupt()

    work, other = (call, interrupt) if on_main_thread else (interrupt, call)
    thread = threading.Thread(target=other)
    thread.start()
    work()
    thread.join(LIMIT)
    [error] = raised
    assert isinstance(error, NetworkError)
    assert error.code is Code.INTERRUPTED
    assert error.hint
    client.close()
    client.interrupt()  # Does nothing.


def test_interrupted_client_stays_usable(testbed: Testbed) -> None:
    with testbed.client("tls12_keepalive") as client:
        client.interrupt()
        assert client.status().available
        client.interrupt()
        assert client.status().connection.reused


def test_interrupt_during_signals(testbed: Testbed, silent: Listener) -> None:
    client = libdcs.Client(**testbed.options(silent.url))
    came = threading.Event()

    def interrupt() -> None:
        # Earlier there may be no call to interrupt.
        assert silent.connected.wait(LIMIT)
        assert came.wait(LIMIT)
        client.interrupt()

    thread = threading.Thread(target=interrupt)
    with ticking(lambda *_: came.set()):
        thread.start()
        with pytest.raises(NetworkError) as info:
            client.status()
    assert info.value.code is Code.INTERRUPTED
    thread.join(LIMIT)


def test_interrupt_in_signal_handler(testbed: Testbed, silent: Listener) -> None:
    client = libdcs.Client(**testbed.options(silent.url))
    with ticking(lambda *_: client.interrupt(), 0.05, 0), pytest.raises(NetworkError) as info:
        client.status()
    assert info.value.code is Code.INTERRUPTED
    assert silent.wait_for_connection()
    assert not silent.wait_for_connection(timeout=0)


def test_frequent_signals_do_not_end_call(testbed: Testbed, relay: Relay) -> None:
    came = 0

    def tick(*_: object) -> None:
        nonlocal came
        came += 1
        if came == 60:  # The server is slow for 0.3 s.
            relay.opened.set()

    case = f"case=python-signals-{os.getpid()}"
    with libdcs.Client(**testbed.options(f"{relay.url}?{case}")) as client, ticking(tick):
        assert client.status().available
        assert came >= 60
        assert testbed.requests(case, 1) == 1
        with testbed.client("tls12_keepalive") as warm:
            before = came
            while came < before + 60:
                assert warm.status().available


def test_handler_makes_call_and_raises(testbed: Testbed, silent: Listener) -> None:
    answers = []

    def handler(*_: object) -> None:
        with testbed.client("tls12_close") as good:
            answers.append(good.status().available)
        raise_timeout()

    client = libdcs.Client(**testbed.options(silent.url))
    before = descriptors()
    with ticking(handler, 0.05, 0), pytest.raises(TimeoutError):
        client.status()
    assert answers == [True]

    def stalls(*_: object) -> None:
        # The next tick ends this call too.
        signal.signal(signal.SIGALRM, raise_timeout)
        client.status()

    with early(), ticking(stalls, 0.05, 0.3), pytest.raises(TimeoutError):
        client.status()
    assert silent.clients_have_closed()
    silent.drop()
    wait_until(lambda: descriptors() <= before)


def test_handler_makes_call_and_returns(testbed: Testbed, relay: Relay) -> None:
    def handler(*_: object) -> None:
        with testbed.client("tls12_close") as good:
            assert good.status().available
        relay.opened.set()

    with libdcs.Client(**testbed.options(relay.url)) as client, ticking(handler, 0.1, 0):
        assert client.status().available


def test_handler_uses_client_of_call(testbed: Testbed, relay: Relay) -> None:
    answers = []

    def handler(*_: object) -> None:
        relay.opened.set()
        # Does not wait for the call that it interrupts.
        answers.append(client.status().available)

    with libdcs.Client(**testbed.options(relay.url, status_max_age=60.0)) as client:
        with ticking(handler, 0.1, 0):
            assert client.status().available
        assert answers == [True]


def test_asyncio_receives_signals_during_call(testbed: Testbed, relay: Relay) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        received: asyncio.Queue[None] = asyncio.Queue()
        loop.add_signal_handler(signal.SIGUSR1, received.put_nowait, None)

        def send() -> None:
            assert relay.connected.wait(LIMIT)
            os.kill(os.getpid(), signal.SIGUSR1)
            relay.opened.set()

        thread = threading.Thread(target=send)
        thread.start()
        # Bad practice on the loop's thread, but some programs do it.
        assert client.status().available
        thread.join(LIMIT)
        await asyncio.wait_for(received.get(), LIMIT)
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(received.get(), LIMIT)
        loop.remove_signal_handler(signal.SIGUSR1)

    with libdcs.Client(**testbed.options(relay.url)) as client:
        asyncio.run(main())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_subinterpreters(testbed: Testbed, kind: str) -> None:
    options = testbed.options(testbed.url("tls12_close"))
    code = f"import libdcs\nassert all(libdcs.Client(**{options!r}).status().available for _ in '123')"
    if sys.version_info >= (3, 13):
        interpreters = pytest.importorskip("_interpreters")
        made = interpreters.create(kind)
    else:
        if kind == "isolated":
            pytest.skip("ctypes can be loaded in one only from Python 3.13 on")
        interpreters = pytest.importorskip("_xxsubinterpreters")
        made = interpreters.create(isolated=False)
    try:
        # From Python 3.13 on it returns the exception.
        assert interpreters.run_string(made, code) is None
    finally:
        interpreters.destroy(made)
