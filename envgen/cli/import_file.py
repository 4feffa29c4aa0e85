"""Make a manifest of another tool's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.models.findings import counted

if TYPE_CHECKING:
    from envgen.commands.import_file import Imported
    from envgen.importers.draft import LineReport


_QUIET = ("mapped", "setting", "heading")  # outcomes that `--verbose` alone shows
_SHOWN_ROWS = 60


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="requirements.txt, environment.yml, pyproject.toml, pixi.toml or conda-lock.yml."
        ),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            callback=options.environment,
            help="The environment's name; default: the file's own.",
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="Write the manifest there; - is standard output.")
    ] = "-",
    python: options.Python = None,
    macos: options.Macos = None,
    accelerator: options.Accelerator = "",
    pins: Annotated[
        str,
        typer.Option(
            "--pins",
            metavar="LEVEL",
            callback=options.pins,
            help="How much to keep of versions that a solver chose: exact, series, major or free.",
        ),
    ] = "exact",
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Print a manifest made of FILE, and say on stderr what became of each of its lines."""
    from envgen.commands.import_file import ImportOptions, chosen_pins, import_file, save
    from envgen.commands.new import chosen_accelerator

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    import_options = ImportOptions(
        name=name,
        python=python or "",
        macos=macos or "",
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
        pins=chosen_pins(pins),
    )
    with console.progress(f"importing {file.name}") as progress:
        services = options.services_for(
            offline=offline, starter=starter, online_names=online_names, mirrors=mirror, progress=progress
        )
        imported = import_file(services, file, import_options)
    if output != "-":
        save(services.settings.folder / output, imported.text)
    report_import(console, imported)
    console.data(imported_shape(imported), imported.text if output == "-" else [f"wrote {output}"])


def imported_shape(imported: Imported) -> dict[str, object]:
    """Return the JSON shape of an import: the manifest, and every line with what became of it."""
    return {
        "manifest": imported.text,
        "name": imported.manifest.name,
        "python": imported.manifest.python,
        "format": imported.file.format,
        "files": [imported.file.file, *imported.file.files],
        "solved": imported.file.solved,
        "counts": imported.counts(),
        "lines": [
            {
                "file": report.line.file,
                "line": report.line.line,
                "last": report.last,
                "text": report.line.text,
                "outcome": report.outcome,
                "becomes": report.becomes,
                "why": report.why,
            }
            for report in imported.accounts
        ],
        "notes": list(imported.notes),
    }


def report_import(console: Console, imported: Imported) -> None:
    """Print what became of the lines; without --verbose, of those alone that changed their meaning."""
    from envgen.importers.draft import OUTCOMES

    shown_lines = [
        (report, place)
        for report, place in _placed(imported.accounts)
        if console.verbose or report.outcome not in _QUIET
    ]
    for line in _text(console, shown_lines, imported.file.file) if shown_lines else ():
        console.info(line)
    counts = ", ".join(
        f"{count} {outcome} ({OUTCOMES[outcome]})"
        for outcome, count in imported.counts().items()
        if outcome != "heading"
    )
    console.info(f"{imported.file.file}: {counts}")
    for note in imported.notes:
        console.note(note)
    undecided = sum(report.outcome == "decision" for report in imported.accounts)
    if undecided:
        stand = "needs a decision of yours; it stands" if undecided == 1 else "need a decision of yours; they stand"
        console.warn(f"{counted(undecided, 'line')} {stand} at the end of the manifest")


def _placed(reports: Sequence[LineReport]) -> Iterator[tuple[LineReport, int]]:
    """Yield each line's report with a number that it shares with its neighbours, up to a line that was taken over."""
    place = 0
    for report in reports:
        place += report.outcome in ("mapped", "setting")
        yield report, place


def _text(console: Console, shown_lines: Sequence[tuple[LineReport, int]], file: str) -> list[str]:
    rows = list(_rows(shown_lines, file))
    shown = rows if console.verbose else rows[:_SHOWN_ROWS]
    more = [f"… and {len(rows) - len(shown)} more (-v)"] if len(rows) > len(shown) else []
    return [*table(("LINE", "TEXT", "WHAT BECAME OF IT", "WHY"), shown), *more]


def _rows(shown_lines: Sequence[tuple[LineReport, int]], file: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row a line; neighbours that were left out for the same reason are one."""
    for (reason, *_), group in groupby(shown_lines, key=_alike):
        reports = [report for report, _ in group]
        first, last = reports[0], reports[-1]
        lines = str(first.line.line) if last.last == first.line.line else f"{first.line.line}-{last.last}"
        where = lines if first.line.file == file else f"{first.line.file}:{lines}"
        text = first.line.text.strip() if last.last == first.line.line else f"{first.line.text.strip()} …"
        yield where, text[:40], first.becomes or first.outcome, first.why if len(reports) == 1 else reason


def _alike(numbered: tuple[LineReport, int]) -> tuple[str, str, str, int, int]:
    """Return what rows must share to be one; what a reason is about, in front of it, may differ."""
    report, place = numbered
    alone = report.line.line if report.becomes or report.outcome == "decision" else 0
    return report.why.removeprefix(f"{report.subject}: "), report.outcome, report.line.file, place, alone
