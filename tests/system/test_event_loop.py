"""Run coroutines from synchronous code."""

from __future__ import annotations

import asyncio
import threading

import pytest

from envgen.system.event_loop import run


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("lost")


def test_runs_in_the_callers_thread() -> None:
    assert run(where()) == threading.current_thread().name


def test_runs_within_a_running_loop() -> None:
    async def outer() -> tuple[str, str]:
        return threading.current_thread().name, run(where())

    here, there = asyncio.run(outer())
    assert here != there


def test_passes_errors_on() -> None:
    async def outer() -> None:
        run(fail())

    with pytest.raises(LookupError, match="lost"):
        run(fail())
    with pytest.raises(LookupError, match="lost"):
        asyncio.run(outer())
