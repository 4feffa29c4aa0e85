"""Make a manifest of another tool's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table

if TYPE_CHECKING:
    from envgen.commands.import_file import Imported
    from envgen.importers.draft import LineReport, Outcome


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
    from envgen.cli.options import services_for
    from envgen.commands import import_file as importing
    from envgen.commands.new import chosen_accelerator

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    wishes = importing.ImportOptions(
        name=name,
        python=python or "",
        macos=macos or "",
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
        pins=importing.chosen_pins(pins),
    )
    with console.progress(f"importing {file.name}") as progress:
        services = services_for(
            offline=offline, starter=starter, online_names=online_names, mirrors=mirror, progress=progress
        )
        imported = importing.import_file(services, file, wishes)
    if output != "-":
        importing.save(services.settings.folder / output, imported.text)
    report_import(console, imported)
    console.data(imported_shape(imported), imported.text if output == "-" else f"wrote {output}")


# Say what became of the lines of another tool's file.

QUIET = ("mapped", "setting", "heading")
SHOWN = 60


def imported_shape(imported: Imported) -> dict[str, object]:
    """Shape an import: the manifest, and every line with what became of it."""
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
                "file": account.line.file,
                "line": account.line.line,
                "last": account.last,
                "text": account.line.text,
                "outcome": account.outcome,
                "becomes": account.becomes,
                "why": account.why,
            }
            for account in imported.accounts
        ],
        "notes": list(imported.notes),
    }


def report_import(console: Console, imported: Imported) -> None:
    """Print the account of the lines; without --verbose, of those alone that changed their meaning."""
    from envgen.importers.draft import OUTCOMES
    from envgen.models.findings import counted

    told = [
        (account, place)
        for account, place in _placed(imported.accounts)
        if console.verbose or account.outcome not in QUIET
    ]
    if told:
        console.say(_text(console, told, imported.file.file))
    counts = ", ".join(f"{count} {outcome} ({OUTCOMES[outcome]})" for outcome, count in _counted(imported))
    console.say(f"{imported.file.file}: {counts}")
    for note in imported.notes:
        console.note(note)
    undecided = sum(account.outcome == "decision" for account in imported.accounts)
    if undecided:
        stand = "needs a decision of yours; it stands" if undecided == 1 else "need a decision of yours; they stand"
        console.warn(f"{counted(undecided, 'line')} {stand} at the end of the manifest")


def _counted(imported: Imported) -> Iterator[tuple[Outcome, int]]:
    for outcome, count in imported.counts().items():
        if outcome != "heading":
            yield outcome, count


def _placed(accounts: Sequence[LineReport]) -> Iterator[tuple[LineReport, int]]:
    """Yield each account with a number that it shares with its neighbours, up to a line that was taken over."""
    place = 0
    for account in accounts:
        place += account.outcome in ("mapped", "setting")
        yield account, place


def _text(console: Console, told: Sequence[tuple[LineReport, int]], file: str) -> str:
    rows = list(_rows(told, file))
    shown = rows if console.verbose else rows[:SHOWN]
    more = [f"… and {len(rows) - len(shown)} more (-v)"] if len(rows) > len(shown) else []
    return "\n".join([table(("LINE", "TEXT", "WHAT BECAME OF IT", "WHY"), shown), *more])


def _rows(told: Sequence[tuple[LineReport, int]], file: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row a line; neighbours that were left out for the same reason are one."""
    for (reason, *_), group in groupby(told, key=_alike):
        accounts = [account for account, _ in group]
        first, last = accounts[0], accounts[-1]
        lines = str(first.line.line) if last.last == first.line.line else f"{first.line.line}-{last.last}"
        where = lines if first.line.file == file else f"{first.line.file}:{lines}"
        text = first.line.text.strip() if last.last == first.line.line else f"{first.line.text.strip()} …"
        yield where, text[:40], first.becomes or first.outcome, first.why if len(accounts) == 1 else reason


def _alike(told: tuple[LineReport, int]) -> tuple[str, str, str, int, int]:
    """Return what rows must share to be one; what a reason is about, in front of it, may differ."""
    account, place = told
    alone = account.line.line if account.becomes or account.outcome == "decision" else 0
    return account.why.removeprefix(f"{account.subject}: "), account.outcome, account.line.file, place, alone
