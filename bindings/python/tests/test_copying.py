"""Copies and pickles: values may be copied, what owns native memory refuses."""

from __future__ import annotations

import copy
import copyreg
import dataclasses
import functools
import gc
import multiprocessing
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import libdcs
from conftest import Testbed, not_on_pypy
from libdcs import _call, _config
from libdcs._value import NonCopyable

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

COPIERS: dict[str, Callable[[Any], object]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of a list": lambda value: copy.deepcopy([value]),
    "reduce": lambda value: value.__reduce__(),
    "reduce_ex": lambda value: value.__reduce_ex__(4),
    "object.reduce_ex": lambda value: object.__reduce_ex__(value, 2),
    "getstate": lambda value: value.__getstate__(),
    **{f"pickle {n}": functools.partial(pickle.dumps, protocol=n) for n in PROTOCOLS},
    "Python pickler": pickle._dumps,  # type: ignore[attr-defined]
}


def through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


@pytest.fixture
def client(testbed: Testbed) -> libdcs.Client:
    return testbed.client("tls12_keepalive")


def owners(client: libdcs.Client) -> list[object]:
    """Return one object of each class that owns native memory or holds an owner."""
    return [client, client._handle, _call.SignalHandlers(), _config.Config()]


def subclasses(base: type) -> set[type]:
    return {base}.union(*map(subclasses, base.__subclasses__()))


def assert_refuses(value: object, copier: Callable[[Any], object], name: str = "Client") -> None:
    with pytest.raises(TypeError) as info:
        copier(value)
    assert str(info.value) == (
        f"a {name} cannot be copied or pickled, because it owns native memory: "
        "share it between threads, and create one in each process"
    )


@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)
def test_owners_refuse_copies(client: libdcs.Client, copier: Callable[[Any], object]) -> None:
    values = owners(client)
    for value in values:
        assert_refuses(value, copier, type(value).__name__)
    del values, value
    gc.collect()
    assert client.status().available


def test_all_owners_are_tried(client: libdcs.Client) -> None:
    known = {type(value) for value in owners(client)}
    ours = {kind for kind in subclasses(NonCopyable) if kind.__module__.startswith("libdcs")}
    assert ours - known == {NonCopyable}


@dataclasses.dataclass
class Service:
    name: str
    client: libdcs.Client


def test_dataclass_that_holds_client(client: libdcs.Client) -> None:
    service = Service("checks", client)
    for copier in (dataclasses.asdict, dataclasses.astuple, copy.deepcopy, pickle.dumps):
        assert_refuses(service, copier)
    assert dataclasses.replace(service, name="other").client is client
    assert copy.copy(service).client is client
    assert vars(service) == {"name": "checks", "client": client}
    with pytest.raises(TypeError):
        vars(client)
    assert client.status().available


class Slotted(libdcs.Client):
    __slots__ = ("extra",)


class Open(libdcs.Client):
    pass


def recreate(url: str, options: dict[str, Any]) -> Recreated:
    return Recreated(url=url, **options)


class Recreated(libdcs.Client):
    """A client that says how to create it anew."""

    arguments: tuple[str, dict[str, Any]]

    def __reduce__(self) -> Any:
        return recreate, self.arguments


@pytest.mark.parametrize("kind", [Slotted, Open])
def test_subclasses_refuse_copies(testbed: Testbed, kind: type[libdcs.Client]) -> None:
    client = kind(**testbed.options(testbed.url("tls12_keepalive")))
    for copier in COPIERS.values():
        assert_refuses(client, copier, kind.__name__)
    assert client.status().available


def test_subclass_may_create_another(testbed: Testbed) -> None:
    options = testbed.options("")
    del options["url"]
    url = testbed.url("tls12_keepalive")
    client = Recreated(url=url, **options)
    client.arguments = url, options
    for copier in (copy.copy, copy.deepcopy, through_pickle):
        other = copier(client)
        assert other is not client
        assert other.status().available
        other.close()
    assert client.status().available


def test_copyreg_may_create_another(testbed: Testbed, client: libdcs.Client) -> None:
    options = testbed.options(testbed.url("tls12_keepalive"))
    copyreg.pickle(libdcs.Client, lambda _: (make, (options,)))
    try:
        other = through_pickle(client)
    finally:
        del copyreg.dispatch_table[libdcs.Client]
    client.close()
    assert other.status().available


def make(options: dict[str, Any]) -> libdcs.Client:
    return libdcs.Client(**options)


@pytest.mark.parametrize("argument", ["client", "method", "closed"])
def test_spawned_process_gets_no_client(client: libdcs.Client, argument: str) -> None:
    if argument == "closed":
        client.close()
    value = client.status if argument == "method" else client
    process = multiprocessing.get_context("spawn").Process(target=print, args=(value,))
    assert_refuses(process, lambda process: process.start())


def test_forked_process_uses_client(client: libdcs.Client) -> None:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(client.status().available))
    process.start()
    assert receiver.recv() is True
    process.join()
    assert process.exitcode == 0


def test_values_are_copied(client: libdcs.Client) -> None:
    status = client.status()
    for copier in (copy.copy, copy.deepcopy, through_pickle):
        assert copier(status) == status


class EmptySlots(libdcs.Outage):
    __slots__ = ()


class MoreSlots(libdcs.Outage):
    __slots__ = ("seen",)


@pytest.mark.parametrize("kind", [EmptySlots, MoreSlots])
def test_subclass_of_value_has_its_fields(client: libdcs.Client, kind: type[libdcs.Outage]) -> None:
    status = client.status()
    one, other = kind(status, None, "one"), kind(status, None, "other")  # type: ignore[arg-type]
    assert one != other
    assert repr(one).endswith("message='one')")
    assert through_pickle(one) == one
    assert copy.copy(one).message == "one"


class Cycle:
    """Garbage whose `__del__` still uses a client."""

    def __init__(self, client: libdcs.Client, use: Callable[[libdcs.Client], object]) -> None:
        self.client = client
        self.use = use
        self.myself = self

    def __del__(self) -> None:
        self.use(self.client)


@not_on_pypy("its garbage collector runs finalizers in another order")
def test_finalizer_in_garbage_uses_client(testbed: Testbed) -> None:
    # The collector runs the callbacks of weak references before the __del__ methods of a cycle.
    events: list[str] = []
    client = testbed.client("tls12_keepalive")
    weakref.finalize(client, events.append, "collected")
    weakref.finalize(client._handle, events.append, "freed")
    Cycle(client, lambda client: events.append(f"available: {client.status().available}"))
    del client
    gc.collect()
    assert events == ["collected", "available: True", "freed"]


def test_finalizer_in_garbage_keeps_client(testbed: Testbed) -> None:
    kept: list[libdcs.Client] = []
    Cycle(testbed.client("tls12_keepalive"), kept.append)
    gc.collect()
    [client] = kept
    assert client.status().available
