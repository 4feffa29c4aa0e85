"""Measure whole processes: their time, their memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process took: seconds of wall time and of processor time, and megabytes at its peak.

    The children that it waited for are counted in.
    """

    wall: float
    processor: float
    megabytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A command to measure; `prepare` runs before each run, and is not measured."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None


class FailedError(Exception):
    """Report a command that failed, with what it printed."""


def measure(case: Case) -> Cost:
    """Run a command to its end; raise FailedError when that is a failure."""
    case.prepare()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with (case.folder / "output.txt").open("w+b") as output, (case.folder / "usage.json").open("w+b") as usage:
        subprocess.run(
            [sys.executable, "-c", _WATCH, str(usage.fileno()), *case.command],
            cwd=case.folder,
            env={**environment, **case.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[usage.fileno()],
            check=True,
        )
        output.seek(0)
        usage.seek(0)
        printed, watched = output.read().decode(errors="replace"), json.load(usage)
    if watched["code"]:
        raise FailedError(f"{case.name}: exit code {watched['code']}\n{printed[-2000:]}")
    kilobytes = watched["maxrss"] / (1024 if os.uname().sysname == "Darwin" else 1)
    return Cost(wall=watched["wall"], processor=watched["processor"], megabytes=kilobytes / 1024)


# A process begins with the peak memory of the one that it was forked from: a small one stands between.
_WATCH = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
code, wall = os.waitstatus_to_exitcode(status), time.perf_counter() - start
process.returncode = code
watched = {"code": code, "wall": wall, "processor": usage.ru_utime + usage.ru_stime, "maxrss": usage.ru_maxrss}
os.write(int(sys.argv[1]), json.dumps(watched).encode())
"""


def alternate(cases: Sequence[Case], runs: int) -> dict[str, Cost]:
    """Measure cases in turn, so that all meet the same machine; give the median of each, the first runs left out."""
    for case in cases:
        measure(case)
    taken: dict[str, list[Cost]] = {case.name: [] for case in cases}
    for _ in range(runs):
        for case in cases:
            taken[case.name].append(measure(case))
    return {name: median(costs) for name, costs in taken.items()}


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        wall=statistics.median(cost.wall for cost in costs),
        processor=statistics.median(cost.processor for cost in costs),
        megabytes=statistics.median(cost.megabytes for cost in costs),
    )
