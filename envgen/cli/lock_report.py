"""Describe what a `new` or a `lock` did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import typer

from envgen.cli.console import Console, table
from envgen.commands.check import CheckResult
from envgen.commands.why import root_decisions
from envgen.errors import LockfileError
from envgen.lock.model import PlatformLock
from envgen.locking.lock import EnvironmentResult
from envgen.models.findings import Finding, Move, counted

SHOWN_MOVES = 30


def report_new(console: Console, result: EnvironmentResult) -> None:
    """Print a new environment: what was decided, what was written, and what to do next."""
    console.report(environments_shape([result]), "\n".join(_new_text(console, result)))
    _tell(console, result)


def _new_text(console: Console, result: EnvironmentResult) -> Iterator[str]:
    for lock in result.lock.platforms:
        yield from _platform_text(console, lock)
    yield "Wrote"
    yield from (f"  {file}" for file in result.files)
    yield ""
    yield "Next"
    yield "  git add environments && git commit      # the lock is made to be committed"
    yield "  edit envgen.yaml, then `envgen lock`    # to change what the environment holds"
    yield from (f"  {line}" for line in _creation(result))


def _creation(result: EnvironmentResult) -> list[str]:
    """Return how the environment is made on a Mac from what was written."""
    made = [file for file in result.files if file.endswith(("environment.yml", "conda-lock.yml"))]
    lines = [f"envgen create {result.name}     # on the Mac, which needs no conda for it"]
    for file in made:
        if file.endswith("environment.yml"):
            lines.append(f"conda env create -f {file}     # or this")
        else:
            lines.append(f"micromamba create -n {result.name} -f {file}     # or this")
    return lines


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
            text += _platform_text(console, lock) if console.verbose or not known else []
        text += [f"  {file}" for file in result.files]
    console.report(environments_shape(list(results)), "\n".join(text))
    for result in results:
        _tell(console, result)


def _moves_text(result: EnvironmentResult, lock: PlatformLock) -> list[str]:
    moves = result.moved[lock.platform.subdir]
    rows = [(move.name, move.before or "-", move.after or "-", move.why) for move in moves]
    if not rows:
        return [f"{lock.platform.subdir}: nothing moved"]
    shown = table(("PACKAGE", "FROM", "TO", "WHY"), rows[:SHOWN_MOVES])
    more = [f"… and {len(rows) - SHOWN_MOVES} more (see --json)"] if len(rows) > SHOWN_MOVES else []
    return [f"{lock.platform.subdir}: {len(rows)} moved", shown, *more]


def report_stale(console: Console, stale: Sequence[CheckResult]) -> None:
    """Print which locks are stale; raise LockfileError if any is."""
    shape = {"environments": [staleness_shape(item) for item in stale]}
    old = [item.name for item in stale if item.reasons]
    console.report(shape, staleness_text(stale, yes="the lock is current", no="the lock is stale"))
    if old and console.as_json:
        raise typer.Exit(1)
    if old:
        raise LockfileError(
            f"stale: {', '.join(old)}", hint=f"run `envgen lock {' '.join(old)}` and commit what it writes"
        )


def staleness_text(stale: Sequence[CheckResult], *, yes: str, no: str) -> str:
    """Lay out, in these words, which environments are fine, and why others are not."""
    lines = []
    for item in stale:
        lines.append(f"{item.name}: {no if item.reasons else yes}")
        lines += [f"  {reason.code}: {reason.message}".replace("\n", "\n    ") for reason in item.reasons]
    return "\n".join(lines)


def staleness_shape(item: CheckResult) -> dict[str, object]:
    """Shape one environment's reasons."""
    reasons = [{"code": reason.code, "message": reason.message} for reason in item.reasons]
    return {"name": item.name, "ok": not item.reasons, "reasons": reasons}


def _platform_text(console: Console, lock: PlatformLock) -> list[str]:
    """Lay out the decisions, and every package with `--verbose`."""
    versions = {record.name: record.version for record in lock.conda} | {
        wheel.name: wheel.version for wheel in lock.pypi
    }
    asked = root_decisions(lock)
    shown = [item for item in lock.decisions if item in asked or item.source == "pypi" or console.verbose]
    rows = [(item.name, versions[item.name], item.source, item.why) for item in shown if item.name in versions]
    text = [_title(lock), "", table(("PACKAGE", "VERSION", "SOURCE", "WHY"), sorted(rows, key=_by_source)), ""]
    if console.verbose:
        every = [(record.name, record.version, "conda", record.build) for record in lock.conda]
        every += [(wheel.name, wheel.version, "pypi", wheel.wheel.filename) for wheel in lock.pypi]
        text += [table(("PACKAGE", "VERSION", "SOURCE", "BUILD"), sorted(every)), ""]
    return text


def _by_source(row: Sequence[str]) -> tuple[bool, str]:
    return (row[2] == "pypi", row[0])


def _title(lock: PlatformLock) -> str:
    target = lock.platform
    system = f", macOS {target.macos}+" if target.is_mac else ""
    pypi = f" and {len(lock.pypi)} from PyPI" if lock.pypi else ""
    return (
        f"{target.subdir}{system}, python {target.python}: {counted(len(lock.conda), 'package')} from conda{pypi}, "
        f"solved by {lock.solver} from {lock.repodata}"
    )


def _tell(console: Console, result: EnvironmentResult) -> None:
    """Print the notes and the findings; what a lock that stays as it is notes was told when it was made."""
    for lock in result.lock.platforms:
        for note in lock.notes if result.changed else ():
            console.note(note)
        for finding in lock.findings:
            hint = f" (hint: {finding.hint})" if finding.hint else ""
            if finding.severity == "info":
                console.note(f"{finding.code}: {finding.message}{hint}")
            else:
                console.warn(f"{finding.code}: {finding.message}{hint}")
    for note in result.notes:
        console.note(note)


# Give results the JSON shapes that stay stable; fields may be added.


def environments_shape(results: list[EnvironmentResult]) -> dict[str, object]:
    """Shape the results of `new` and `lock`."""
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


def _platform(lock: PlatformLock, moved: tuple[Move, ...]) -> dict[str, object]:
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
        "findings": [finding_shape(finding) for finding in lock.findings],
        "notes": list(lock.notes),
        "moved": [move_shape(move) for move in moved],
    }


def move_shape(move: Move) -> dict[str, object]:
    """Shape one move."""
    because = move.because or None
    return {"name": move.name, "from": move.before, "to": move.after, "why": move.why, "because": because}


def finding_shape(finding: Finding) -> dict[str, object]:
    """Shape one finding."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "packages": list(finding.packages),
    }
