"""Lock environments again, or report whether their locks are current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.errors import LockfileError
from envgen.models.findings import counted

if TYPE_CHECKING:
    from envgen.commands.check import CheckResult
    from envgen.lock.model import PlatformLock
    from envgen.locking.lock import EnvironmentResult
    from envgen.models.findings import Finding, Move

SHOWN_MOVES = 30


def lock(
    names: options.Environments = None,
    update: Annotated[
        list[str] | None, typer.Option("--update", "-u", metavar="PKG", help="Let this package move (repeatable).")
    ] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Let every package move.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a lock is stale.")] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    allow_older: options.AllowOlder = None,
    effort: options.Effort = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Solve manifests again, moving only what must move, and write the lock files.

    A lock that is true to its manifest is left as it is; --update and --upgrade let packages move.
    """
    from envgen.commands.check import stale_environments
    from envgen.locking.lock import lock_environments
    from envgen.locking.updates import Updates

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("locking") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            allow_older=allow_older,
            effort=effort,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        if check:
            report_stale(console, stale_environments(services, tuple(names or ())))
            return
        updates = Updates(packages=frozenset(update or ()), everything=upgrade)
        results = lock_environments(services, tuple(names or ()), updates)
    report_lock(console, results)


def report_lock(console: Console, results: Sequence[EnvironmentResult]) -> None:
    """Print what locking changed."""
    text: list[str] = []
    for result in results:
        if not result.changed:
            done = "solved again, and nothing moved" if result.moved else "nothing was solved"
            text.append(f"{result.name}: the lock is current; {done}")
            continue
        text.append(f"{result.name}: locked")
        for lock in result.lock.platforms:
            known = lock.platform.subdir in result.moved
            text += _moves_text(result, lock) if known else []
            text += platform_text(lock, verbose=console.verbose) if console.verbose or not known else []
        text += [f"  {file}" for file in result.files]
    console.report(environments_shape(results), text)
    for result in results:
        print_notes(console, result)


def _moves_text(result: EnvironmentResult, lock: PlatformLock) -> list[str]:
    moves = result.moved[lock.platform.subdir]
    rows = [(move.name, move.before or "-", f"{move.after or '-'}{' (older)' * move.fell}", move.why) for move in moves]
    if not rows:
        return [f"{lock.platform.subdir}: nothing moved"]
    shown = table(("PACKAGE", "FROM", "TO", "WHY"), rows[:SHOWN_MOVES])
    more = [f"… and {len(rows) - SHOWN_MOVES} more (see --json)"] if len(rows) > SHOWN_MOVES else []
    return [f"{lock.platform.subdir}: {len(rows)} moved", *shown, *more]


def platform_text(lock: PlatformLock, *, verbose: bool) -> list[str]:
    """Return a platform's decisions as lines, and with `verbose` every package."""
    from envgen.commands.why import root_decisions

    target = lock.platform
    system = f", macOS {target.macos}+" if target.is_mac else ""
    from_pypi = f" and {len(lock.pypi)} from PyPI" if lock.pypi else ""
    packages = f"{counted(len(lock.conda), 'package')} from conda{from_pypi}"
    title = f"{target.subdir}{system}, python {target.python}: {packages}, solved by {lock.solver} from {lock.repodata}"
    versions = {record.name: record.version for record in lock.conda}
    versions |= {wheel.name: wheel.version for wheel in lock.pypi}
    roots = root_decisions(lock)
    shown = [item for item in lock.decisions if item in roots or item.source == "pypi" or verbose]
    rows = [(item.name, versions[item.name], item.source, item.why) for item in shown if item.name in versions]
    rows.sort(key=lambda row: (row[2] == "pypi", row[0]))
    text = [title, "", *table(("PACKAGE", "VERSION", "SOURCE", "WHY"), rows), ""]
    if verbose:
        every = [(record.name, record.version, "conda", record.build) for record in lock.conda]
        every += [(wheel.name, wheel.version, "pypi", wheel.wheel.filename) for wheel in lock.pypi]
        text += [*table(("PACKAGE", "VERSION", "SOURCE", "BUILD"), sorted(every)), ""]
    return text


def print_notes(console: Console, result: EnvironmentResult) -> None:
    """Print the notes and the findings; a lock that stays as it is had its notes printed when it was made."""
    for lock in result.lock.platforms:
        for note in lock.notes if result.changed else ():
            console.note(note)
        for finding in lock.findings:
            hint = f" (hint: {finding.hint})" if finding.hint else ""
            show = console.note if finding.severity == "info" else console.warn
            show(f"{finding.code}: {finding.message}{hint}")
    for note in result.notes:
        console.note(note)


def report_stale(console: Console, stale: Sequence[CheckResult]) -> None:
    """Print which locks are stale; raise LockfileError if any is."""
    shape = {"environments": [staleness_shape(item) for item in stale]}
    old = [item.name for item in stale if item.reasons]
    text = [
        line
        for item in stale
        for line in staleness_text(item, "the lock is stale" if item.reasons else "the lock is current")
    ]
    console.report(shape, text)
    if old and console.as_json:  # what was printed says so: stdout takes one object
        raise typer.Exit(1)
    if old:
        raise LockfileError(
            f"stale: {', '.join(old)}", hint=f"run `envgen lock {' '.join(old)}` and commit what it writes"
        )


def staleness_text(item: CheckResult, verdict: str) -> list[str]:
    """Return an environment's verdict, with the reasons below it."""
    return [f"{item.name}: {verdict}", *(f"  {reason.code}: {reason.message}" for reason in item.reasons)]


def staleness_shape(item: CheckResult) -> dict[str, object]:
    """Return the JSON shape of an environment's staleness."""
    reasons = [{"code": reason.code, "message": reason.message} for reason in item.reasons]
    return {"name": item.name, "ok": not item.reasons, "reasons": reasons}


def environments_shape(results: Sequence[EnvironmentResult]) -> dict[str, object]:
    """Return the JSON shape of what `new` and `lock` give, which is stable: fields may be added, none may go."""
    return {"environments": [_environment(result) for result in results]}


def _environment(result: EnvironmentResult) -> dict[str, object]:
    return {
        "name": result.name,
        "files": list(result.files),
        "changed": result.changed,
        "notes": list(result.notes),
        "platforms": {
            lock.platform.subdir: _platform(lock, result.moved.get(lock.platform.subdir, ()))
            for lock in result.lock.platforms
        },
    }


def _platform(lock: PlatformLock, moved: Sequence[Move]) -> dict[str, object]:
    keys = ("name", "version", "build", "url", "md5", "sha256")
    return {
        "macos": lock.platform.macos,
        "python": lock.platform.python,
        "accelerator": lock.accelerator,
        "solver": lock.solver,
        "repodata": lock.repodata,
        "conda": [{key: getattr(record, key) for key in keys} for record in lock.conda],
        "pypi": [
            {
                "name": wheel.name,
                "version": wheel.version,
                "url": wheel.wheel.url,
                "sha256": wheel.wheel.sha256,
                "why": wheel.why,
            }
            for wheel in lock.pypi
        ],
        "decisions": [asdict(decision) for decision in lock.decisions],
        "findings": [_finding(finding) for finding in lock.findings],
        "notes": list(lock.notes),
        "moved": [move_shape(move) for move in moved],
    }


def move_shape(move: Move) -> dict[str, object]:
    """Return the JSON shape of a move."""
    because = move.because or None
    return {
        "name": move.name,
        "from": move.before,
        "to": move.after,
        "why": move.why,
        "because": because,
        "fell": move.fell,
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "packages": list(finding.packages),
    }
