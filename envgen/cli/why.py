"""Describe why a package is in a lock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table

if TYPE_CHECKING:
    from envgen.commands.why import DependencyChain, Obstacle, TrialResult, VersionRefusal, WhyAnswer


SHOWN_WAYS = 8


def why(
    name: options.Environment,
    package: Annotated[str, typer.Argument(metavar="PKG", help="A package of its lock, by its conda or PyPI name.")],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show where a locked package comes from, and which of the manifest's lines lead to it."""
    from envgen.cli.options import services_for
    from envgen.commands.why import why_package

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    answers = why_package(services_for(progress=lambda _: None), name, package)
    console.data(
        {"answers": [_shape(answer) for answer in answers]},
        "\n".join(line for answer in answers for line in _text(answer, verbose=verbose)),
    )


def _text(answer: WhyAnswer, *, verbose: bool) -> list[str]:
    half, shown = answer.key
    lines = [f"{shown} {answer.version} ({answer.subdir}, from {half}): {answer.why}"]
    ways = answer.chains if verbose else answer.chains[:SHOWN_WAYS]
    lines += [f"  {way.needs}  ({place(way)})" for way in ways]
    more = len(answer.chains) - len(ways)
    return [*lines, f"  … and {more} more ways (-v)"] if more else lines


def place(way: DependencyChain) -> str:
    """Show where a way starts: a line of the manifest, or what else asks."""
    line = way.origin.line
    return f"{line.file}:{line.line}" if line else way.origin.path


def _shape(answer: WhyAnswer) -> dict[str, object]:
    half, shown = answer.key
    return {
        "platform": answer.subdir,
        "name": shown,
        "version": answer.version,
        "source": half,
        "why": answer.why,
        "chains": [[{"package": str(link.key), "need": link.need} for link in way.chain] for way in answer.chains],
        "lines": [place(way) for way in answer.chains],
    }


# Say what stands against another version of a package.

WHY_NOT_SHOWN_WAYS = 3


def why_not(
    name: options.Environment,
    requirement: Annotated[str, typer.Argument(metavar="REQ", help="A package with bounds, such as 'numpy>=2'.")],
    solve: Annotated[
        bool, typer.Option("--solve", help="Solve with it too, and say what would move; nothing is written.")
    ] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show which locked packages and which lines of the manifest forbid a version."""
    from envgen.cli.options import services_for
    from envgen.commands.why import try_out
    from envgen.commands.why import why_not as refusals_of

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = services_for(offline=offline, solver=solver, channels=channel, mirrors=mirror, progress=progress)
        found = refusals_of(services, name, requirement)
        trial = try_out(services, name, requirement) if solve else None
    lines = [
        line for subdir, each in found.items() for line in _why_not_text(requirement, subdir, each, verbose=verbose)
    ]
    lines += _trial_text(trial) if trial else []
    shape: dict[str, object] = {"platforms": {subdir: _why_not_shape(each) for subdir, each in found.items()}}
    if trial:
        shape["trial"] = _trial_shape(trial)
    console.data(shape, "\n".join(lines))
    if not trial and not any(each.obstacles or each.met for each in found.values()):
        console.note(f"whether the channels have it is told by `envgen why-not {name} '{requirement}' --solve`")


def _why_not_text(asked: str, subdir: str, refusal: VersionRefusal, *, verbose: bool) -> Iterator[str]:
    locked = ", ".join(refusal.locked) or "no such package"
    if refusal.met:
        yield f"{subdir}: `{asked}` is met: {locked} is locked"
        return
    if not refusal.obstacles:
        yield f"{subdir}: {locked} is locked, and no bound of the lock or the manifest stands against `{asked}`"
        return
    yield f"{subdir}: {locked} is locked; against `{asked}` stand"
    for obstacle in refusal.obstacles:
        yield f"  {obstacle.package} needs `{obstacle.need}`" if obstacle.package else f"  {obstacle.need}"
        ways = obstacle.chains if verbose else obstacle.chains[:WHY_NOT_SHOWN_WAYS]
        yield from (f"    {way.needs}  ({place(way)})" for way in ways)
        more = len(obstacle.chains) - len(ways)
        if more:
            yield f"    … and {more} more ways (-v)"


def _trial_text(trial: TrialResult) -> list[str]:
    if trial.failure:
        return [f"it cannot be had: {trial.failure}", *([f"hint: {trial.hint}"] if trial.hint else [])]
    rows = [
        (subdir, move.name, move.before or "-", move.after or "-", move.why)
        for subdir, moves in trial.moved.items()
        for move in moves
    ]
    if not rows:
        return ["it can be had, and nothing would move"]
    return ["it can be had; this would move:", table(("PLATFORM", "PACKAGE", "FROM", "TO", "WHY"), rows)]


def _why_not_shape(refusal: VersionRefusal) -> dict[str, object]:
    return {
        "locked": list(refusal.locked),
        "met": refusal.met,
        "obstacles": [_obstacle(obstacle) for obstacle in refusal.obstacles],
    }


def _obstacle(obstacle: Obstacle) -> dict[str, object]:
    return {
        "package": obstacle.package or None,
        "need": obstacle.need,
        "chains": [[{"package": str(link.key), "need": link.need} for link in way.chain] for way in obstacle.chains],
        "lines": [place(way) for way in obstacle.chains],
    }


def _trial_shape(trial: TrialResult) -> dict[str, object]:
    from envgen.cli.lock_report import move_shape

    return {
        "possible": not trial.failure,
        "message": trial.failure,
        "hint": trial.hint,
        "moved": {subdir: [move_shape(move) for move in moves] for subdir, moves in trial.moved.items()},
    }
