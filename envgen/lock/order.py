"""Sort records so that each follows what it needs."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.lock.specs import depend_name
from envgen.models.record import Record


def topological(records: Iterable[Record]) -> tuple[Record, ...]:
    """Sort dependencies first and by name otherwise, as CEP 23 asks of explicit files.

    A cycle is cut where it is closed, reached from its first name.
    """
    named = {record.name: record for record in records}
    needs = {name: sorted({depend_name(depend) for depend in record.depends}) for name, record in named.items()}
    ordered: dict[str, Record] = {}
    entered: set[str] = set()
    stack = [(name, False) for name in sorted(named, reverse=True)]
    while stack:
        name, done = stack.pop()
        if done:
            ordered[name] = named[name]
        elif name not in entered:
            entered.add(name)
            stack.append((name, True))
            stack.extend((need, False) for need in reversed(needs[name]) if need in named and need not in entered)
    return tuple(ordered.values())
