"""A sequence whose items are made when they are first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Self, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)


class LazySequence(Sequence[T_co]):
    """A sequence of `length` items, each made by a function of its index when it is first looked at, and kept.

    A solve of a few hundred packages reads thousands of records, most of which nobody ever looks at.
    """

    __slots__ = ("_length", "_made", "_make")

    def __init__(self, length: int | Callable[[], int], make: Callable[[int], T_co]) -> None:
        self._length = length
        self._make = make
        self._made: dict[int, T_co] = {}

    @classmethod
    def of(cls, read: Callable[[], Sequence[T_co]]) -> Self:
        """Return a sequence that is read as a whole, by a function that remembers its answer."""
        return cls(lambda: len(read()), lambda index: read()[index])

    def __len__(self) -> int:
        """Count the items, made or not."""
        if not isinstance(self._length, int):
            self._length = self._length()
        return self._length

    def __iter__(self) -> Iterator[T_co]:
        """Yield the items in order, twice as fast as the mixin's loop over `self[index]`."""
        return map(self._at, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        """Return one item, or several as a tuple."""
        positions = range(len(self))[index]
        return tuple(map(self._at, positions)) if isinstance(positions, range) else self._at(positions)

    def _at(self, index: int) -> T_co:
        try:
            return self._made[index]
        except KeyError:
            item = self._made[index] = self._make(index)
            return item
