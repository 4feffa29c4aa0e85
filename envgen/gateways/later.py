"""Put off reading the records that perhaps nobody looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Generic, TypeVar, overload

from envgen.models.channel import Channel
from envgen.models.record import ChannelRecords, OpenedIndex

T = TypeVar("T")


def read_later(channel: Channel, read: Callable[[], ChannelRecords], opened: OpenedIndex) -> ChannelRecords:
    """Give a channel's records so that they are read, all at once, when somebody first looks at one."""
    entry = cache(read)
    return ChannelRecords(
        channel=channel,
        records=_Later(lambda: entry().records),
        native=_Later(lambda: entry().native or ()),
        labels=_Later(lambda: entry().labels or ()),
        opened=opened,
    )


class _Later(Sequence[T], Generic[T]):
    """Show a sequence that is made when it is first looked at."""

    def __init__(self, make: Callable[[], Sequence[T]]) -> None:
        self._make = make

    def __len__(self) -> int:
        return len(self._make())

    def __iter__(self) -> Iterator[T]:
        return iter(self._make())

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._make()[index]
