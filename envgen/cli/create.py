"""Create environments from their locks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.errors import InstallError

if TYPE_CHECKING:
    from envgen.install.create import CreateResult
    from envgen.install.handover import HandoverResult


_SHOWN_CHANGES = 40
_SIGNS = {"added": "+", "changed": "~", "repaired": "!", "removed": "-"}


def create(
    name: options.Environment,
    prefix: options.Prefix = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    with_tool: Annotated[
        str,
        typer.Option(
            "--with", metavar="TOOL", callback=options.tool, help="Hand over to conda, mamba, micromamba or conda-lock."
        ),
    ] = "",
    no_group: Annotated[
        list[str] | None, typer.Option("--no-group", metavar="GROUP", help="Leave a group out (repeatable).")
    ] = None,
    no_local: Annotated[bool, typer.Option("--no-local", help="Leave your own projects out.")] = False,
    kernel: Annotated[bool, typer.Option("--kernel", help="Offer the environment to Jupyter.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Change a prefix that another tool made.")] = False,
    allow_outside_links: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-outside-links", metavar="PKG", help="Let this package link out of the prefix (repeatable)."
        ),
    ] = None,
    from_vendored: Annotated[
        Path | None,
        typer.Option("--from-vendored", metavar="DIR", help="Take every package from this folder, and ask no network."),
    ] = None,
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="PLATFORM",
            callback=options.platform,
            help="Unpack and verify another platform's packages into --prefix; nothing of them is run.",
        ),
    ] = "",
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make an environment exactly as it is locked, or bring one that is there to its lock.

    Every package is verified before the first file is changed, and what the manifest names is imported afterwards.
    """
    from envgen.install.create import create_environment
    from envgen.install.handover import hand_over
    from envgen.install.target import CreateOptions
    from envgen.system.machine import read_machine
    from envgen.system.settings import expanded

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress(f"creating {name}") as progress:
        services = options.services_for(offline=offline, mirrors=mirror, progress=progress)
        create_options = CreateOptions(
            name=name,
            prefix=prefix,
            left_out=tuple(no_group or ()),
            platform=platform,
            dry_run=dry_run,
            adopt=adopt,
            vendored=(services.settings.folder / expanded(from_vendored)).resolve() if from_vendored else None,
            kernel=kernel,
            local=not no_local,
            outside_links=tuple(allow_outside_links or ()),
        )
        created = None if with_tool else create_environment(services, create_options, read_machine())
    if created is not None:
        report_create(console, created)
    else:
        report_handover(console, hand_over(services, create_options, with_tool, read_machine(), quiet=quiet or as_json))


def report_create(console: Console, created: CreateResult) -> None:
    """Print what changed, what the smoke tests showed and how it is used; raise InstallError if a test failed."""
    console.report(_shape(created), _text(console, created))
    for note in created.notes:
        console.note(note)
    failed = [outcome for outcome in created.outcomes if outcome.message]
    if failed and console.as_json:  # what was printed says so: stdout takes one object
        raise SystemExit(1)
    if failed:
        listed = "\n".join(f"  {outcome.subject}: {outcome.message}" for outcome in failed)
        raise InstallError(
            f"{created.prefix} is installed as locked, but does not work as it should\n{listed}",
            hint=f"`envgen check {created.name}` proves the lock again; report one that is proved and yet fails",
            code="checks",
        )


def report_handover(console: Console, handover: HandoverResult) -> None:
    """Print what another tool was asked to do, and what it does not check."""
    shape = {
        "name": handover.name,
        "tool": handover.tool,
        "commands": [list(command) for command in handover.commands],
        "unchecked": list(handover.unchecked),
    }
    console.report(shape, (f"{handover.tool}: {shlex.join(command)}" for command in handover.commands))
    for line in handover.unchecked:
        console.note(f"not checked by {handover.tool}: {line}")


def _shape(created: CreateResult) -> dict[str, object]:
    return {
        "name": created.name,
        "prefix": str(created.prefix),
        "platform": created.platform,
        "dry_run": created.dry_run,
        "downloaded": created.downloaded,
        "changes": [
            {"name": each.name, "source": each.source, "change": each.kind, "from": each.before, "to": each.after}
            for each in created.differences
        ],
        "checks": [
            {"subject": each.subject, "ok": not each.message, "message": each.message} for each in created.outcomes
        ],
        "activate": list(created.advice),
        "kernel": str(created.kernel) if created.kernel else None,
        "notes": list(created.notes),
    }


def _text(console: Console, created: CreateResult) -> Iterator[str]:
    from envgen.install.download import size_text

    yield from _changes(console, created)
    if created.dry_run:
        yield f"{created.name}: nothing was changed in {created.prefix}"
        return
    done = f"{size_text(created.downloaded)} downloaded" if created.downloaded else "nothing had to be downloaded"
    if not created.differences:
        yield f"{created.name}: {created.prefix} is as locked"
    else:
        yield f"{created.name}: {created.prefix} is now as locked; {done}"
    good = [outcome.subject for outcome in created.outcomes if not outcome.message]
    if good:
        yield f"works: {', '.join(dict.fromkeys(good))}"
    if created.kernel:
        yield f"Jupyter kernel: {created.kernel}"
    if created.advice:
        yield ""
        yield "Use it with"
        yield from (f"  {line}" for line in created.advice)


def _changes(console: Console, created: CreateResult) -> Iterator[str]:
    counts = {kind: sum(each.kind == kind for each in created.differences) for kind in _SIGNS}
    counted = [f"{count} {kind}" for kind, count in counts.items() if count]
    if not counted:
        return
    yield ", ".join(counted)
    fresh = counts["added"] == len(created.differences)
    if fresh and not (console.verbose or created.dry_run):
        return
    shown = created.differences if console.verbose else created.differences[:_SHOWN_CHANGES]
    yield from table(
        ("", "PACKAGE", "SOURCE", "FROM", "TO"),
        [(_SIGNS[each.kind], each.name, each.source, each.before or "-", each.after or "-") for each in shown],
    )
    if len(shown) < len(created.differences):
        yield f"… and {len(created.differences) - len(shown)} more (-v)"
