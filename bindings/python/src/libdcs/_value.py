"""The base classes: of the values that the package returns, and of what owns native memory."""

from __future__ import annotations

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any, ClassVar, NoReturn

# Bypasses __setattr__ in constructors. They set field by field: a loop would cost each call 1.5 us more.
set_field = object.__setattr__


class Value:
    """An immutable value, which is compared, hashed, printed and pickled by its fields.

    The fields are the `__slots__` of the direct subclass. What a further subclass adds is not one of them.

    Dataclasses would do the same, but have no slots before Python 3.10 and take longer to import than the
    rest of this package.
    """

    __slots__: ClassVar[tuple[str, ...]] = ()

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        cls._fields = cls._fields or cls.__slots__

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[type[Value], tuple[Any, ...]]:
        return type(self), self._values()


class NonCopyable:
    """An object that owns native memory, or holds one that does."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Reject copy, deepcopy and pickle: two objects with one address would both free it."""
        raise TypeError(
            f"a {type(self).__name__} cannot be copied or pickled, because it owns native memory: "
            "share it between threads, and create one in each process"
        )

    # Some serializers, such as jsonpickle, ignore that error and ask for the state.
    __getstate__ = __reduce__
