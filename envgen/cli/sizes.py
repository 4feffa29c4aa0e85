"""Write sizes for people."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def size_text(size: int | None) -> str:
    """Write a number of bytes in units of 1000; "?" for an unknown one."""
    if size is None:
        return "?"
    if abs(size) < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1000
        if abs(value) < 999.95 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes every size")


def growth_text(before: int | None, after: int | None) -> str:
    """Write how a size changed, with its sign; "?" where one is unknown."""
    if before is None or after is None:
        return "?"
    change = after - before
    return "0 B" if not change else f"{'+' if change > 0 else '-'}{size_text(abs(change))}"
