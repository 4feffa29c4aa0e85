"""A sequence whose items are made when they are first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A sequence of `length` items, each made by a function of its index when it is first looked at, and kept.

    A solve of a few hundred packages reads thousands of records, most of which nobody ever looks at.
    """

    __slots__ = ("_length", "_made")

    def __init__(self, length: int | Callable[[], int], make: Callable[[int], T]) -> None:
        self._length = length
        self._made = _Made(make)

    @classmethod
    def of(cls, read: Callable[[], Sequence[T]]) -> LazySequence[T]:
        """Return a sequence that is read as a whole, by a function that remembers its answer."""
        return cls(lambda: len(read()), lambda index: read()[index])

    def __len__(self) -> int:
        """Count the items, made or not."""
        if not isinstance(self._length, int):
            self._length = self._length()
        return self._length

    def __iter__(self) -> Iterator[T]:
        """Yield the items in order, in a fraction of the time of the mixin's loop over `self[index]`."""
        return map(self._made.__getitem__, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        """Return one item, or several as a tuple."""
        if isinstance(index, slice):
            return tuple(map(self._made.__getitem__, range(len(self))[index]))
        return self._made[index if index in self._made else range(len(self))[index]]


class _Made(dict[int, T]):
    def __init__(self, make: Callable[[int], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, index: int) -> T:
        item = self[index] = self._make(index)
        return item
