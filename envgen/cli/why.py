"""Explain why a package is in a lock, or why another version is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.cli.lock import move_shape

if TYPE_CHECKING:
    from envgen.commands.why import DependencyChain, TrialResult, VersionRefusal, WhyAnswer

_SHOWN_CHAINS = 8
_SHOWN_CHAINS_OF_OBSTACLE = 3


def why(
    name: options.Environment,
    package: Annotated[str, typer.Argument(metavar="PKG", help="A package of its lock, by its conda or PyPI name.")],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show where a locked package comes from, and which of the manifest's lines lead to it."""
    from envgen.commands.why import why_package

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    answers = why_package(options.services_for(), name, package)
    console.data(
        {"answers": [_shape(answer) for answer in answers]},
        [line for answer in answers for line in _text(answer, verbose=verbose)],
    )


def _text(answer: WhyAnswer, *, verbose: bool) -> list[str]:
    half, shown = answer.key
    title = f"{shown} {answer.version} ({answer.subdir}, from {half}): {answer.why}"
    return [title, *_chain_lines(answer.chains, None if verbose else _SHOWN_CHAINS, "  ")]


def _chain_lines(chains: Sequence[DependencyChain], most: int | None, indent: str) -> Iterator[str]:
    """Yield a line for each chain; with `most` so many, and how many there are besides."""
    shown = chains[:most]
    yield from (f"{indent}{chain.needs}  ({_start(chain)})" for chain in shown)
    if len(shown) < len(chains):
        yield f"{indent}… and {len(chains) - len(shown)} more ways (-v)"


def _start(chain: DependencyChain) -> str:
    """Return where a chain starts: a line of the manifest, or what else asks."""
    line = chain.origin.line
    return f"{line.file}:{line.line}" if line else chain.origin.path


def _shape(answer: WhyAnswer) -> dict[str, object]:
    half, shown = answer.key
    return {
        "platform": answer.subdir,
        "name": shown,
        "version": answer.version,
        "source": half,
        "why": answer.why,
        **_chains_shape(answer.chains),
    }


def _chains_shape(chains: Sequence[DependencyChain]) -> dict[str, object]:
    return {
        "chains": [[{"package": str(link.key), "need": link.need} for link in chain.chain] for chain in chains],
        "lines": [_start(chain) for chain in chains],
    }


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
    from envgen.commands.why import try_out, why_not

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = options.services_for(
            offline=offline, solver=solver, channels=channel, mirrors=mirror, progress=progress
        )
        found = why_not(services, name, requirement)
        trial = try_out(services, name, requirement) if solve else None
    lines = [
        line for subdir, each in found.items() for line in _refusal_text(requirement, subdir, each, verbose=verbose)
    ]
    lines += _trial_text(trial) if trial else []
    shape: dict[str, object] = {"platforms": {subdir: _refusal_shape(each) for subdir, each in found.items()}}
    if trial:
        shape["trial"] = _trial_shape(trial)
    console.data(shape, lines)
    if not trial and not any(each.obstacles or each.met for each in found.values()):
        console.note(f"whether the channels have it is told by `envgen why-not {name} '{requirement}' --solve`")


def _refusal_text(requirement: str, subdir: str, refusal: VersionRefusal, *, verbose: bool) -> Iterator[str]:
    locked = ", ".join(refusal.locked) or "no such package"
    if refusal.met:
        yield f"{subdir}: `{requirement}` is met: {locked} is locked"
        return
    if not refusal.obstacles:
        yield f"{subdir}: {locked} is locked, and no bound of the lock or the manifest stands against `{requirement}`"
        return
    yield f"{subdir}: {locked} is locked; against `{requirement}` stand"
    for obstacle in refusal.obstacles:
        yield f"  {obstacle.package} needs `{obstacle.need}`" if obstacle.package else f"  {obstacle.need}"
        yield from _chain_lines(obstacle.chains, None if verbose else _SHOWN_CHAINS_OF_OBSTACLE, "    ")


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
    return ["it can be had; this would move:", *table(("PLATFORM", "PACKAGE", "FROM", "TO", "WHY"), rows)]


def _refusal_shape(refusal: VersionRefusal) -> dict[str, object]:
    return {
        "locked": list(refusal.locked),
        "met": refusal.met,
        "obstacles": [
            {"package": obstacle.package or None, "need": obstacle.need, **_chains_shape(obstacle.chains)}
            for obstacle in refusal.obstacles
        ],
    }


def _trial_shape(trial: TrialResult) -> dict[str, object]:
    return {
        "possible": not trial.failure,
        "message": trial.failure,
        "hint": trial.hint,
        "moved": {subdir: [move_shape(move) for move in moves] for subdir, moves in trial.moved.items()},
    }
