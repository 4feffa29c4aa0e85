"""Look at this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.models.findings import counted

if TYPE_CHECKING:
    from envgen.commands.doctor import Checkup


def doctor(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Hold the machine to this environment's macOS floor and channels.")
    ] = "",
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find what of this machine breaks environments: Rosetta, Intel tools, leaking settings, what is out of reach."""
    from envgen.commands.doctor import check_host

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = options.services_for(offline=offline, channels=channel, mirrors=mirror, progress=progress)
        checkup = check_host(services, name)
    report_checkup(console, checkup)
    if not checkup.ok:
        raise typer.Exit(1)


def report_checkup(console: Console, checkup: Checkup) -> None:
    """Print the findings, errors first; on a Mac, what is only good to know needs `--verbose`."""
    console.data(_shape(checkup), _text(checkup, verbose=console.verbose))


def _shape(checkup: Checkup) -> dict[str, object]:
    facts = checkup.facts
    keys = ("code", "severity", "what", "why", "fix")
    return {
        "ok": checkup.ok,
        "findings": [{key: getattr(finding, key) for key in keys} for finding in checkup.findings],
        "machine": {
            "system": facts.system,
            "apple_silicon": facts.apple_silicon,
            "rosetta": facts.translated,
            "macos": facts.macos,
            "python": facts.python,
            "xcode": facts.xcode,
            "tools": [
                {"name": tool.name, "path": tool.path, "architectures": list(tool.architectures)}
                for tool in facts.tools
            ],
            "conda_roots": [
                {"path": root.path, "architectures": list(root.architectures), "subdir": root.subdir}
                for root in facts.conda_roots
            ],
        },
        "reached": [
            {"name": reach.name, "ok": not reach.message, "message": reach.message} for reach in checkup.reached
        ],
    }


def _text(checkup: Checkup, *, verbose: bool) -> Iterator[str]:
    facts = checkup.facts
    system = f"macOS {facts.macos}" if facts.is_mac else facts.system
    chip = "Apple silicon" if facts.apple_silicon else "not Apple silicon"
    yield f"{system}, {chip}{', under Rosetta' if facts.translated else ''}"
    if facts.tools:
        rows = [(tool.name, "/".join(tool.architectures) or "?", tool.path) for tool in facts.tools]
        yield from ("", *table(("TOOL", "RUNS ON", "PATH"), rows))
    reached = [reach.name for reach in checkup.reached if not reach.message]
    if reached:
        yield from ("", f"in reach: {', '.join(reached)}")
    for finding in checkup.findings:
        if finding.severity == "info" and not verbose and checkup.facts.is_mac:
            continue
        yield from ("", f"{finding.severity}: {finding.code}: {finding.what}", f"  why: {finding.why}")
        yield f"  fix: {finding.fix}"
    worst = [finding for finding in checkup.findings if finding.severity != "info"]
    yield from ("", "nothing stands in the way" if not worst else counted(len(worst), "finding"))
