"""What all values of the package have in common."""

from __future__ import annotations

TYPE_CHECKING = False  # As in _native.
if TYPE_CHECKING:
    from typing import Any, ClassVar

# How a constructor gets past __setattr__. Field by field, because a loop would cost each call 1.5 us more.
set_field = object.__setattr__


class Value:
    """An immutable value with the fields of `__slots__`: compared, hashed, shown and pickled by them.

    Dataclasses would do this too, but have no slots before Python 3.10 and take longer to import than
    all the rest of this package.
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
