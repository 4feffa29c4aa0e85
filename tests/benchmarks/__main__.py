"""Measure, and print a table: `python -m tests.benchmarks [--runs N] [--channel FOLDER]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks import cases
from tests.benchmarks.claims import claims
from tests.benchmarks.measure import Case, Cost, FailedError, alternate

TITLE = "the same request over the same index, medians of {runs} alternating runs"


def rows(costs: Mapping[str, Cost]) -> list[str]:
    """Lay the figures out as a Markdown table."""
    width = max(map(len, costs))
    lines = [
        f"| {'':{width}} | wall time | processor | memory |",
        f"|{'-' * (width + 2)}|----------:|----------:|-------:|",
    ]
    for name, cost in costs.items():
        lines.append(f"| {name:{width}} | {cost.wall:7.2f} s | {cost.processor:7.2f} s | {cost.megabytes:3.0f} MB |")
    return lines


def measured(channel: Path, runs: int) -> dict[str, Cost]:
    """Measure all that can be measured here, and say on stderr what cannot."""
    makers: list[Callable[[Path], list[Case]]] = [
        cases.start_cases,
        lambda folder: cases.conda_cases(channel, folder),
        lambda folder: cases.mixed_cases(channel, folder),
    ]
    costs: dict[str, Cost] = {}
    for make in makers:
        with tempfile.TemporaryDirectory(prefix="envgen-speed-") as name:
            try:
                costs.update(alternate(make(Path(name)), runs))
            except FailedError as error:
                sys.stderr.write(f"left out: {error}\n")
    return costs


def main() -> int:
    """Run the command; its exit code tells whether every promise is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="how often each command is measured")
    parser.add_argument("--channel", type=Path, default=cases.SHARED, help="a folder that holds conda-forge's index")
    options = parser.parse_args()
    if not (options.channel / "noarch" / "repodata.json").is_file():
        parser.error(
            f"{options.channel} holds no index: give --channel a folder with osx-arm64/repodata.json and "
            "noarch/repodata.json of conda-forge, whole or in part"
        )
    costs = measured(options.channel, options.runs)
    found = list(claims(costs))
    print("\n".join([TITLE.format(runs=options.runs), "", *rows(costs), "", *map(str, found)]))
    return 0 if all(claim.holds for claim in found) else 1


if __name__ == "__main__":
    sys.exit(main())
