"""Say what a `create` did."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.cli.console import Console, table
from envgen.errors import InstallError
from envgen.install.create import Created
from envgen.install.download import size_text
from envgen.install.handover import Handed

SHOWN = 40
_SIGNS = {"added": "+", "changed": "~", "repaired": "!", "removed": "-"}


def report_created(console: Console, created: Created) -> None:
    """Print what changed, what the tries showed and how to use the environment; raise InstallError if a try failed."""
    console.report(created_shape(created), "\n".join(_text(console, created)))
    for note in created.notes:
        console.note(note)
    failed = [outcome for outcome in created.outcomes if outcome.message]
    if failed and console.as_json:
        raise SystemExit(1)
    if failed:
        listed = "\n".join(f"  {outcome.subject}: {outcome.message}" for outcome in failed)
        raise InstallError(
            f"{created.prefix} is installed as locked, but does not work as it should\n{listed}",
            hint=f"`envgen check {created.name}` proves the lock again; report one that is proved and yet fails",
            code="checks",
        )


def report_handed(console: Console, handed: Handed) -> None:
    """Print what another tool was asked to do, and what it does not check."""
    shape = {
        "name": handed.name,
        "tool": handed.tool,
        "commands": [list(command) for command in handed.commands],
        "unchecked": list(handed.unchecked),
    }
    console.report(shape, "\n".join(f"{handed.tool}: {' '.join(command)}" for command in handed.commands))
    for line in handed.unchecked:
        console.note(f"not checked by {handed.tool}: {line}")


def created_shape(created: Created) -> dict[str, object]:
    """Shape what was created, for `--json`."""
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


def _text(console: Console, created: Created) -> Iterator[str]:
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


def _changes(console: Console, created: Created) -> Iterator[str]:
    counts = {kind: sum(each.kind == kind for each in created.differences) for kind in _SIGNS}
    told = [f"{count} {kind}" for kind, count in counts.items() if count]
    if not told:
        return
    yield f"{', '.join(told)}"
    fresh = counts["added"] == len(created.differences)
    if fresh and not (console.verbose or created.dry_run):
        return
    shown = created.differences if console.verbose else created.differences[:SHOWN]
    yield table(
        ("", "PACKAGE", "SOURCE", "FROM", "TO"),
        [(_SIGNS[each.kind], each.name, each.source, each.before or "-", each.after or "-") for each in shown],
    )
    if len(shown) < len(created.differences):
        yield f"… and {len(created.differences) - len(shown)} more (-v)"
