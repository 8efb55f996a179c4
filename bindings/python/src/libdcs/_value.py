"""The base class of the values that the package returns."""

from __future__ import annotations

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any, ClassVar

# Bypasses __setattr__ in constructors. They set field by field: a loop would cost each call 1.5 us more.
set_field = object.__setattr__


class Value:
    """An immutable value, which is compared, hashed, printed and pickled by the fields in `__slots__`.

    Dataclasses would do the same, but have no slots before Python 3.10 and take longer to import than the
    rest of this package.
    """

    __slots__: ClassVar[tuple[str, ...]] = ()

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

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
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[type[Value], tuple[Any, ...]]:
        return type(self), self._values()
